#include "semfield/poses/video_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>

#include "semfield/base/error.h"
#include "semfield/base/json.h"
#include "semfield/base/process.h"
#include "semfield/image/sharpness.h"

namespace semfield {
namespace {

namespace fs = std::filesystem;

constexpr int kLookWidth = 960;  // pixels at which sharpness is compared
constexpr int kMostPixels = 1 << 24;
constexpr size_t kLongestHeader = 64;
constexpr size_t kKeptOutput = 4 << 10;

// A local file, whatever its name looks like to ffmpeg; and no playlist may lead to the network.
std::vector<std::string> Reading(const fs::path& video) {
  return {"-protocol_whitelist", "file", "-i", "file:" + fs::absolute(video).string()};
}

ProcessResult RunFfmpeg(const fs::path& video, const std::vector<std::string>& output,
                        const fs::path& directory, const OutputCallback& on_output,
                        const JobControl& control) {
  std::vector<std::string> words = {"ffmpeg", "-nostdin", "-v", "error"};
  for (const std::string& word : Reading(video)) words.push_back(word);
  // The picture itself: no sound, no cover; every frame once.
  for (const char* word : {"-map", "0:V:0", "-an", "-sn", "-fps_mode", "passthrough"}) words.push_back(word);
  words.insert(words.end(), output.begin(), output.end());
  std::string said;
  ProcessResult result = RunProcess({.words = words,
                                     .directory = directory,
                                     .on_output = on_output,
                                     .on_error =
                                         [&](std::string_view text) {
                                           if (said.size() < kKeptOutput) said += text;
                                         },
                                     .stop = control.stop});
  if (!result.Succeeded()) {
    while (!said.empty() && said.back() == '\n') said.pop_back();
    throw InputError("{}: ffmpeg {}. It said: {}", video.string(), result.Describe(),
                     said.empty() ? "nothing" : said);
  }
  return result;
}

// About how many frames there are, for progress; 0 when the file does not say.
double CountFrames(const fs::path& video, const JobControl& control) {
  std::vector<std::string> words = {"ffprobe", "-v", "error", "-select_streams", "V:0"};
  for (const std::string& word : Reading(video)) words.push_back(word);
  for (const char* word : {"-show_entries", "stream=avg_frame_rate,nb_frames:format=duration", "-of", "json"})
    words.push_back(word);
  std::string text;
  RunProcess({.words = words,
              .on_output =
                  [&](std::string_view bytes) {
                    if (text.size() < kKeptOutput) text += bytes;
                  },
              .stop = control.stop});
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const auto field = [&](const Json& object, const char* key) {
    const auto found = object.is_object() ? object.find(key) : object.end();
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
  };
  if (!json.is_object() || !json.contains("streams") || !json["streams"].is_array() ||
      json["streams"].empty())
    return 0;
  const Json& stream = json["streams"][0];
  const double count = std::atof(field(stream, "nb_frames").c_str());
  if (count > 0) return count;
  const std::string rate = field(stream, "avg_frame_rate");  // "30000/1001"
  const size_t slash = rate.find('/');
  const double divisor = slash == std::string::npos ? 1 : std::atof(rate.c_str() + slash + 1);
  const double duration = std::atof(field(json.value("format", Json::object()), "duration").c_str());
  return divisor > 0 ? std::max(0.0, duration * std::atof(rate.c_str()) / divisor) : 0;
}

std::vector<double> LookAtFrames(const fs::path& video, const JobControl& control) {
  const double total = CountFrames(video, control);
  std::vector<double> sharpness;
  PgmStream stream([&](const ImageU8& picture) {
    sharpness.push_back(LaplacianVariance(picture));
    control.Report({.stage = "sharpness",
                    .done = static_cast<double>(sharpness.size()),
                    .total = std::max(total, static_cast<double>(sharpness.size())),
                    .detail = fmt::format("frame {}", sharpness.size())});
  });
  RunFfmpeg(
      video,
      {"-vf", fmt::format("scale='min({},iw)':-2,format=gray", kLookWidth), "-f", "image2pipe", "-c:v", "pgm",
       "pipe:1"},
      {}, [&](std::string_view bytes) { stream.Add(bytes); }, control);
  return sharpness;
}

}  // namespace

std::vector<size_t> SharpestOfEach(const std::vector<double>& sharpness, int count) {
  const size_t stretches = std::min(sharpness.size(), static_cast<size_t>(std::max(count, 0)));
  std::vector<size_t> chosen;
  for (size_t i = 0; i < stretches; ++i) {
    const auto begin = sharpness.begin() + static_cast<ptrdiff_t>(i * sharpness.size() / stretches);
    const auto end = sharpness.begin() + static_cast<ptrdiff_t>((i + 1) * sharpness.size() / stretches);
    chosen.push_back(static_cast<size_t>(std::max_element(begin, end) - sharpness.begin()));
  }
  return chosen;
}

// "P5\n640 360\n255\n", as ffmpeg writes it.
bool PgmStream::ReadHeader() {
  int width = 0, height = 0, most = 0, used = 0;
  if (std::count(header_.begin(), header_.end(), '\n') < 3) {
    if (header_.size() < kLongestHeader) return false;
  } else if (std::sscanf(header_.c_str(), "P5\n%6d %6d\n%6d\n%n", &width, &height, &most, &used) == 3 &&
             static_cast<size_t>(used) == header_.size() && most == 255 && width > 0 && height > 0 &&
             int64_t{width} * height <= kMostPixels) {
    picture_ = ImageU8(width, height, 1);
    filled_ = 0;
    header_.clear();
    return true;
  }
  throw InputError("ffmpeg: its frames are not the grey pictures that were asked for");
}

void PgmStream::Add(std::string_view bytes) {
  while (!bytes.empty()) {
    if (picture_.empty()) {
      header_ += bytes.front();
      bytes.remove_prefix(1);
      const bool may_end = header_.back() == '\n' || header_.size() >= kLongestHeader;
      if (may_end) ReadHeader();
      continue;
    }
    const size_t take = std::min(bytes.size(), picture_.data.size() - filled_);
    std::memcpy(picture_.data.data() + filled_, bytes.data(), take);
    filled_ += take;
    bytes.remove_prefix(take);
    if (filled_ == picture_.data.size()) {
      on_picture_(picture_);
      picture_ = {};
    }
  }
}

std::vector<std::string> TakeFrames(const fs::path& video, const fs::path& folder, int num_frames,
                                    const JobControl& control) {
  if (FindProgram("ffmpeg").empty()) {
    throw ResourceError(
        "ffmpeg: not found in PATH; it takes frames out of a video. Install it (Debian, Ubuntu: apt-get "
        "install ffmpeg; macOS: brew install ffmpeg), or give a folder of photos.");
  }
  const std::vector<double> sharpness = LookAtFrames(video, control);
  const std::vector<size_t> chosen = SharpestOfEach(sharpness, num_frames);
  if (chosen.empty()) throw InputError("{}: holds no frames that ffmpeg can read", video.string());

  std::error_code error;
  fs::remove_all(folder, error);
  if (!error) fs::create_directories(folder, error);
  if (error) throw ResourceError("{}: cannot be made: {}", folder.string(), error.message());
  control.Report({.stage = "frames", .detail = fmt::format("writing {} frames", chosen.size())});
  std::string choice;
  for (const size_t frame : chosen) choice += fmt::format("{}eq(n,{})", choice.empty() ? "" : "+", frame);
  // In the folder itself: a '%' in its path would be read as part of the numbering.
  RunFfmpeg(video,
            {"-vf", fmt::format("select='{}'", choice), "-q:v", "2", "-f", "image2", "-start_number", "0",
             "part_%06d.jpg"},
            folder, {}, control);
  std::vector<std::string> names;
  for (size_t i = 0; i < chosen.size(); ++i) {
    const fs::path written = folder / fmt::format("part_{:06}.jpg", i);
    if (!fs::exists(written, error)) {
      throw InputError(
          "{}: ffmpeg gave {} of {} frames the second time; the file may be damaged: convert it (ffmpeg "
          "-i VIDEO new.mp4) and use the new one",
          video.string(), i, chosen.size());
    }
    names.push_back(fmt::format("frame_{:06}.jpg", chosen[i]));
    fs::rename(written, folder / names.back(), error);
    if (error) throw ResourceError("{}: cannot be renamed: {}", written.string(), error.message());
  }
  return names;
}

}  // namespace semfield
