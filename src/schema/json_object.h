#pragma once

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::schema {

/// Typed reading of one JSON object from outside. Every failure is Error kData that names the member by its path
/// ("snapshots[2].sequence-number is missing"). Borrows the JSON; a member that is null counts as absent.
class JsonObject {
 public:
  /// Error kData when `json` is no object. `path` names it in errors; empty for the document itself.
  JsonObject(const nlohmann::json& json, std::string path);

  int32_t Int32(const char* member) const;
  int64_t Int64(const char* member) const;
  const std::string& String(const char* member) const;
  const nlohmann::json& Array(const char* member) const;
  const nlohmann::json& Member(const char* member) const;
  bool Bool(const char* member) const;

  std::optional<int32_t> MaybeInt32(const char* member) const;
  std::optional<int64_t> MaybeInt64(const char* member) const;
  /// Null when absent.
  const std::string* MaybeString(const char* member) const;
  const nlohmann::json* MaybeArray(const char* member) const;
  const nlohmann::json* Maybe(const char* member) const;

  /// "snapshots[2].summary": the path of a member, or of the index-th item of one.
  std::string PathOf(const char* member) const;
  std::string PathOf(const char* member, size_t index) const;

  const nlohmann::json& value() const { return json_; }

 private:
  [[noreturn]] void Wrong(const char* member, const char* problem) const;

  const nlohmann::json& json_;
  std::string path_;
};

/// Parses a document. Error kData with the byte where it stops being JSON, or when it nests deeper than 1000 levels;
/// `what` names it ("table metadata").
nlohmann::json ParseJson(std::string_view text, const std::string& what);
/// nullopt where ParseJson would throw.
std::optional<nlohmann::json> MaybeParseJson(std::string_view text);

}  // namespace millrace::schema
