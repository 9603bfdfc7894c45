#pragma once

#include <filesystem>

#include "app/config_model.h"
#include "config/block.h"
#include "stream/kinesis/kinesis_options.h"

namespace millrace::app {

/// The declarations of the options of a stream in Kinesis.
const config::Block<KinesisConfig>& KinesisBlock();

/// Configuration in, options of the component out. `positions`: where those of producers are kept; empty: nowhere.
stream::KinesisOptions KinesisOptionsFor(const KinesisConfig& config, const std::filesystem::path& positions);

}  // namespace millrace::app
