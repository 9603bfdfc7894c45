#include "schema/json_object.h"

#include <fmt/format.h>

#include <limits>

#include "base/error.h"

namespace millrace::schema {

using nlohmann::json;

namespace {

/// Copying and printing a document goes down as deep as it nests, on the stack.
constexpr int kDepthMax = 1000;

bool NestsTooDeep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > kDepthMax) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

JsonObject::JsonObject(const json& object, std::string path) : json_(object), path_(std::move(path)) {
  if (!json_.is_object()) {
    throw Error(ErrorCode::kData, fmt::format("{} is not a JSON object", path_.empty() ? "the document" : path_));
  }
}

void JsonObject::Wrong(const char* member, const char* problem) const {
  throw Error(ErrorCode::kData, fmt::format("{} {}", PathOf(member), problem));
}

std::string JsonObject::PathOf(const char* member) const { return path_.empty() ? member : path_ + "." + member; }

std::string JsonObject::PathOf(const char* member, size_t index) const {
  return fmt::format("{}[{}]", PathOf(member), index);
}

const json* JsonObject::Maybe(const char* member) const {
  const auto found = json_.find(member);
  return found == json_.end() || found->is_null() ? nullptr : &*found;
}

const json& JsonObject::Member(const char* member) const {
  const json* found = Maybe(member);
  if (found == nullptr) Wrong(member, "is missing");
  return *found;
}

std::optional<int64_t> JsonObject::MaybeInt64(const char* member) const {
  const json* found = Maybe(member);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number_integer()) Wrong(member, "is not a whole number");
  if (found->is_number_unsigned() && found->get<uint64_t>() > uint64_t{std::numeric_limits<int64_t>::max()}) {
    Wrong(member, "is beyond 64 bits");
  }
  return found->get<int64_t>();
}

std::optional<int32_t> JsonObject::MaybeInt32(const char* member) const {
  const auto wide = MaybeInt64(member);
  if (!wide) return std::nullopt;
  if (*wide < std::numeric_limits<int32_t>::min() || *wide > std::numeric_limits<int32_t>::max()) {
    Wrong(member, "is beyond 32 bits");
  }
  return static_cast<int32_t>(*wide);
}

const std::string* JsonObject::MaybeString(const char* member) const {
  const json* found = Maybe(member);
  if (found == nullptr) return nullptr;
  if (!found->is_string()) Wrong(member, "is not a string");
  return &found->get_ref<const std::string&>();
}

const json* JsonObject::MaybeArray(const char* member) const {
  const json* found = Maybe(member);
  if (found != nullptr && !found->is_array()) Wrong(member, "is not a list");
  return found;
}

int64_t JsonObject::Int64(const char* member) const {
  const auto value = MaybeInt64(member);
  if (!value) Wrong(member, "is missing");
  return *value;
}

int32_t JsonObject::Int32(const char* member) const {
  const auto value = MaybeInt32(member);
  if (!value) Wrong(member, "is missing");
  return *value;
}

const std::string& JsonObject::String(const char* member) const {
  const std::string* value = MaybeString(member);
  if (value == nullptr) Wrong(member, "is missing");
  return *value;
}

const json& JsonObject::Array(const char* member) const {
  const json* value = MaybeArray(member);
  if (value == nullptr) Wrong(member, "is missing");
  return *value;
}

bool JsonObject::Bool(const char* member) const {
  const json& value = Member(member);
  if (!value.is_boolean()) Wrong(member, "is neither true nor false");
  return value.get<bool>();
}

json ParseJson(std::string_view text, const std::string& what) {
  if (NestsTooDeep(text)) throw Error(ErrorCode::kData, fmt::format("{} nests deeper than {} levels", what, kDepthMax));
  try {
    return json::parse(text);
  } catch (const json::parse_error& error) {
    throw Error(ErrorCode::kData, fmt::format("{} stops being JSON at byte {}", what, error.byte));
  } catch (const json::exception& error) {
    throw Error(ErrorCode::kData, fmt::format("{} is not JSON: {}", what, error.what()));
  }
}

std::optional<json> MaybeParseJson(std::string_view text) {
  if (NestsTooDeep(text)) return std::nullopt;
  auto parsed = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded()) return std::nullopt;
  return parsed;
}

}  // namespace millrace::schema
