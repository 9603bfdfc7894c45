#include <algorithm>

#include "connect/datagen_source.h"
#include "connect/file_source.h"
#include "connect/http_source.h"
#include "connect/iceberg_sink.h"
#include "connect/mongo_sink.h"
#include "connect/native_plugin.h"
#include "connect/plugin.h"
#include "connect/s3_sink.h"

namespace millrace::connect {
namespace {

std::vector<std::unique_ptr<Plugin>> MakeAll() {
  std::vector<std::unique_ptr<Plugin>> plugins;
  plugins.push_back(MakeS3Sink());
  plugins.push_back(MakeIcebergSink());
  plugins.push_back(MakeMongoSink());
  plugins.push_back(MakeFileSource());
  plugins.push_back(MakeDatagenSource());
  plugins.push_back(MakeHttpSource());
  return plugins;
}

std::vector<std::unique_ptr<Plugin>>& All() {
  static auto all = MakeAll();
  return all;
}

}  // namespace

const std::vector<std::unique_ptr<Plugin>>& Plugins() { return All(); }

void AddPlugin(std::unique_ptr<Plugin> plugin) { All().push_back(std::move(plugin)); }

const Plugin* FindPlugin(const std::string& connector_class) {
  for (const auto& plugin : Plugins()) {
    const auto classes = plugin->classes();
    if (std::ranges::find(classes, connector_class) != classes.end()) return plugin.get();
  }
  return nullptr;
}

}  // namespace millrace::connect
