#include <map>
#include <string>
#include <utility>

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

struct Known {
  Known() {
    for (auto& plugin : MakeAll()) Add(std::move(plugin));
  }

  /// Of two with one name the first has it.
  void Add(std::unique_ptr<Plugin> plugin) {
    for (auto& name : plugin->classes()) by_class.emplace(std::move(name), plugin.get());
    all.push_back(std::move(plugin));
  }

  std::vector<std::unique_ptr<Plugin>> all;
  std::map<std::string, const Plugin*> by_class;
};

Known& Registry() {
  static Known known;
  return known;
}

}  // namespace

const std::vector<std::unique_ptr<Plugin>>& Plugins() { return Registry().all; }

void AddPlugin(std::unique_ptr<Plugin> plugin) { Registry().Add(std::move(plugin)); }

const Plugin* FindPlugin(const std::string& connector_class) {
  const auto& known = Registry().by_class;
  const auto found = known.find(connector_class);
  return found == known.end() ? nullptr : found->second;
}

}  // namespace millrace::connect
