#include "query/sandbox/lake_guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/error.h"

namespace millrace::query {
namespace {

using Json = nlohmann::json;

constexpr int64_t kRangeBytesMax = int64_t{16} << 20;

}  // namespace

LakeGuard::LakeGuard(catalog::Catalog& catalog, DataFiles& files, std::function<void(std::string)> allow)
    : catalog_(catalog), files_(files), allow_(std::move(allow)) {}

std::string LakeGuard::Answer(const std::string& text) {
  const auto call = Json::parse(text, nullptr, false);
  const auto what = call.is_object() ? call.value("call", std::string()) : std::string();
  try {
    if (what == "namespaces") return Json(catalog_.ListNamespaces()).dump();
    if (what == "tables") {
      Json names = Json::array();
      for (const auto& table : catalog_.ListTables(call.at("namespace").get<std::string>())) {
        names.push_back(table.name);
      }
      return names.dump();
    }
    if (what == "load") return Load(call);
    if (what == "key") {
      const auto key = catalog_.store().KeyOf(call.at("uri").get<std::string>());
      return key ? Json(*key).dump() : "null";
    }
    if (what == "size") {
      const auto size = catalog_.store().Size(AllowedKey(call));
      return size ? Json(*size).dump() : "null";
    }
    if (what == "read") return Read(call);
    if (what == "bring") return Bring(call);
  } catch (const Json::exception&) {
  }
  throw Error(ErrorCode::kInternal, "a question that cannot be read");
}

std::string LakeGuard::Load(const Json& call) {
  const auto loaded = catalog_.Load({call.at("namespace").get<std::string>(), call.at("name").get<std::string>()});
  if (!loaded) return "null";
  if (const auto key = catalog_.store().KeyOf(loaded->metadata_location)) keys_.insert(*key);
  const auto& metadata = *loaded->metadata;
  AllowBelow(metadata.location);
  for (const auto* property : {"write.data.path", "write.metadata.path"}) {
    const auto elsewhere = metadata.properties.find(property);
    if (elsewhere != metadata.properties.end()) AllowBelow(elsewhere->second);
  }
  return Json(loaded->metadata_location).dump();
}

void LakeGuard::AllowBelow(const std::string& uri) {
  auto key = catalog_.store().KeyOf(uri.ends_with('/') ? uri.substr(0, uri.size() - 1) : uri);
  // The whole warehouse is no table's folder.
  if (key && !key->empty()) prefixes_.insert(*key + "/");
}

std::string LakeGuard::AllowedKey(const Json& call) const {
  auto key = call.at("key").get<std::string>();
  // By way of its URI: what is no key, or another's by "..", does not come back the same.
  const bool same = catalog_.store().KeyOf(catalog_.store().UriOf(key)) == key;
  const bool below = std::ranges::any_of(prefixes_, [&](const std::string& prefix) { return key.starts_with(prefix); });
  if (same && (below || keys_.contains(key))) return key;
  throw Error(ErrorCode::kData, fmt::format("{} is no file of a table that the statement names; it is not read", key));
}

std::string LakeGuard::Read(const Json& call) {
  const auto length = call.at("length").get<int64_t>();
  const auto offset = call.at("offset").get<int64_t>();
  if (length < 0 || length > kRangeBytesMax || offset < 0) throw Error(ErrorCode::kData, "a range out of bounds");
  return catalog_.store().GetRange(AllowedKey(call), offset, length);
}

std::string LakeGuard::Bring(const Json& call) {
  std::vector<KnownObject> objects;
  for (const auto& file : call.at("files")) objects.push_back({AllowedKey(file), file.at("size").get<int64_t>()});
  held_.push_back(files_.Bring(objects));
  for (const auto& object : objects) allow_(files_.folder() + object.key);
  return "null";
}

}  // namespace millrace::query
