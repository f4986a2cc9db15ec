#include "semfield/base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <atomic>
#include <memory>
#include <mutex>

#include "semfield/base/text.h"

namespace semfield {
namespace {

struct LogState {
  std::atomic<LogLevel> level{LogLevel::kInfo};
  std::mutex mutex;
  LogSink sink;
  std::shared_ptr<spdlog::logger> standard_error;
};

// Never destroyed: static objects of others may log while they are taken down.
LogState& TheLog() {
  static LogState* state = [] {
    auto* created = new LogState;
    created->standard_error =
        std::make_shared<spdlog::logger>("semfield", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    created->standard_error->set_pattern("%v");
    created->standard_error->set_level(spdlog::level::trace);
    return created;
  }();
  return *state;
}

}  // namespace

const char* LogPrefix(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug:
      return "debug: ";
    case LogLevel::kWarning:
      return "warning: ";
    default:
      return "";
  }
}

void SetLogLevel(LogLevel level) {
  TheLog().level.store(level);
}

void SetLogSink(LogSink sink) {
  LogState& log = TheLog();
  std::lock_guard<std::mutex> lock(log.mutex);
  log.sink = std::move(sink);
}

void LogMessage(LogLevel level, const std::string& text) {
  LogState& log = TheLog();
  if (level == LogLevel::kSilent || level < log.level.load()) return;
  const std::string message = TerminalText(text);
  LogSink sink;
  {
    std::lock_guard<std::mutex> lock(log.mutex);
    sink = log.sink;
  }
  if (sink) return sink(level, message);
  log.standard_error->log(spdlog::level::info, "{}{}", LogPrefix(level), message);
}

}  // namespace semfield
