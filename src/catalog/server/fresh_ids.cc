#include "catalog/server/fresh_ids.h"

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"

namespace millrace::catalog {
namespace {

using nlohmann::json;

constexpr int kDepthMax = 100;

class Renumbering {
 public:
  void Type(json& type, int depth = 0) {
    if (depth > kDepthMax) throw Error(ErrorCode::kData, "the schema nests deeper than 100 levels");
    if (!type.is_object()) return;
    if (type.contains("fields")) {
      for (json& field : List(type, "fields")) Give(field, "id");
      for (json& field : List(type, "fields")) Type(Member(field, "type"), depth + 1);
    } else if (type.contains("element-id")) {
      Give(type, "element-id");
      Type(Member(type, "element"), depth + 1);
    } else if (type.contains("key-id")) {
      Give(type, "key-id");
      Give(type, "value-id");
      Type(Member(type, "key"), depth + 1);
      Type(Member(type, "value"), depth + 1);
    }
  }

  void Follow(json& id) const {
    const auto found = id.is_number_integer() ? given_.find(id.get<int64_t>()) : given_.end();
    if (found == given_.end()) throw Error(ErrorCode::kData, id.dump() + " is no column id of the schema");
    id = found->second;
  }

  void FollowSources(json& request, const char* member) const {
    if (!request.contains(member) || !request[member].is_object()) return;
    for (json& field : List(request[member], "fields")) Follow(Member(field, "source-id"));
  }

  static json& List(json& object, const char* member) {
    json& list = Member(object, member);
    if (!list.is_array()) throw Error(ErrorCode::kData, std::string(member) + " is no list");
    return list;
  }

 private:
  static json& Member(json& object, const char* member) {
    if (!object.is_object() || !object.contains(member)) {
      throw Error(ErrorCode::kData, std::string(member) + " is missing");
    }
    return object[member];
  }

  void Give(json& object, const char* member) {
    json& id = Member(object, member);
    if (!id.is_number_integer()) throw Error(ErrorCode::kData, std::string(member) + " is no integer");
    if (!given_.emplace(id.get<int64_t>(), last_ + 1).second) {
      throw Error(ErrorCode::kData, std::string(member) + " " + id.dump() + " stands twice in the schema");
    }
    id = ++last_;
  }

  std::map<int64_t, int32_t> given_;  // from the client's ids
  int32_t last_ = 0;
};

}  // namespace

void GiveFreshIds(json& request) {
  if (!request.is_object() || !request.contains("schema")) throw Error(ErrorCode::kData, "schema is missing");
  Renumbering renumbering;
  json& schema = request["schema"];
  renumbering.Type(schema);
  if (schema.is_object() && schema.contains("identifier-field-ids")) {
    for (json& id : Renumbering::List(schema, "identifier-field-ids")) renumbering.Follow(id);
  }
  renumbering.FollowSources(request, "partition-spec");
  renumbering.FollowSources(request, "write-order");
}

}  // namespace millrace::catalog
