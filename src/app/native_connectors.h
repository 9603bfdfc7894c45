#pragma once

namespace millrace::app {

/// Puts this program's own connector classes, `millrace.Table` and `millrace.Generator`, among those that there are:
/// their properties are the options of the configuration. Once, at the start.
void AddNativeConnectors();

}  // namespace millrace::app
