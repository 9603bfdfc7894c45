#pragma once

#include <string>

#include "app/config_model.h"
#include "source/http_poll/http_poll_options.h"

namespace millrace::app {

/// What a source that polls is told. `ends`: the run is to come to an end, so requests that fail are not sent for ever.
source::HttpPollOptions HttpPollOptionsFor(const std::string& name, const HttpPollConfig& config, bool ends);

}  // namespace millrace::app
