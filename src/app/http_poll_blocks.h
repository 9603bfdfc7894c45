#pragma once

#include "app/config_model.h"
#include "config/block.h"

namespace millrace::app {

/// The declarations of the options of a source that polls an HTTP API.
const config::Block<HttpPollConfig>& HttpPollBlock();

}  // namespace millrace::app
