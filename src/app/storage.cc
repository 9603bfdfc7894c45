#include "app/storage.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/error.h"
#include "stream/embedded/embedded_stream.h"

namespace millrace::app {

std::unique_ptr<event::Stream> OpenStream(const DataDirectory& directory) {
  stream::EmbeddedStreamOptions options;
  options.path = directory.stream();
  return std::make_unique<stream::EmbeddedStream>(std::move(options));
}

std::unique_ptr<event::Stream> OpenStreamToRead(const DataDirectory& directory) {
  if (!std::filesystem::exists(directory.stream())) {
    throw Error(ErrorCode::kUnavailable,
                fmt::format("there are no topics in {} yet; `millrace topics create NAME` makes one",
                            directory.path().string()));
  }
  return OpenStream(directory);
}

}  // namespace millrace::app
