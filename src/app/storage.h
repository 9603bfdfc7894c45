#pragma once

#include <memory>

#include "app/config_model.h"
#include "app/data_directory.h"
#include "event/stream.h"

namespace millrace::app {

/// The stream of a pipeline, embedded in its data directory.
std::unique_ptr<event::Stream> OpenStream(const DataDirectory& directory);

/// The same for looking only: Error kUnavailable when nothing was ever put into one.
std::unique_ptr<event::Stream> OpenStreamToRead(const DataDirectory& directory);

}  // namespace millrace::app
