#pragma once

#include <memory>

#include "connect/plugin.h"

namespace millrace::connect {

/// Apache Iceberg's sink, and Tabular's, which it came from: tables of `tables:` and a catalogue of `lake:`.
std::unique_ptr<Plugin> MakeIcebergSink();

}  // namespace millrace::connect
