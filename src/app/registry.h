#pragma once

#include <memory>
#include <string>

#include "app/config_model.h"
#include "event/source.h"
#include "source/file/file_options.h"

/// The list of what can be plugged in: configuration in, component out. A new kind of source is one entry here.
namespace millrace::app {

/// A new reader of the source from its start. Error kConfig when what it names cannot be read.
/// `ends`: the run is to come to an end.
std::unique_ptr<event::Source> MakeSource(const std::string& name, const SourceConfig& source, bool ends = true);

/// What a file source, or whatever reads files as one does, is told.
source::FileSourceOptions FileOptionsFor(const std::string& name, const SourceConfig& source);

/// False for a source that goes on for ever by itself (a generator without `rows`, polling `every` so often).
bool EndsByItself(const SourceConfig& source);

}  // namespace millrace::app
