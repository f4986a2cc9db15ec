#pragma once

#include <fmt/format.h>

#include <functional>
#include <string>
#include <utility>

namespace semfield {

enum class LogLevel { kDebug, kInfo, kWarning, kSilent };
// What stands before a message of that level: "warning: ".
const char* LogPrefix(LogLevel level);

// Everything the library says goes to one sink (standard error unless replaced), never to standard output.
void SetLogLevel(LogLevel level);
void LogMessage(LogLevel level, const std::string& message);
// Replaces standard error (a viewer's console, a test); called from any thread. Empty: standard error again.
using LogSink = std::function<void(LogLevel, const std::string&)>;
void SetLogSink(LogSink sink);

template <class... Args>
void LogDebug(fmt::format_string<Args...> format, Args&&... args) {
  LogMessage(LogLevel::kDebug, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void LogInfo(fmt::format_string<Args...> format, Args&&... args) {
  LogMessage(LogLevel::kInfo, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void LogWarning(fmt::format_string<Args...> format, Args&&... args) {
  LogMessage(LogLevel::kWarning, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace semfield
