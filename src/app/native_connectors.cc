#include "app/native_connectors.h"

#include "app/config_blocks.h"
#include "app/version.h"
#include "connect/native_plugin.h"

namespace millrace::app {

void AddNativeConnectors() {
  connect::AddPlugin(std::make_unique<connect::NativePlugin>(
      connect::NativePlugin::Kind{"sink", "millrace.Table", "Table", kVersion, TableBlock().info(), ""}));
  connect::AddPlugin(std::make_unique<connect::NativePlugin>(connect::NativePlugin::Kind{
      "source", "millrace.Generator", "Generator", kVersion, GeneratorBlock().info(), "generator"}));
}

}  // namespace millrace::app
