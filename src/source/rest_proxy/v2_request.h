#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::source {

/// What a body of the v2 API says, as views into it.
struct V2Request {
  struct Record {
    std::string_view key;  // JSON; empty: none
    std::string_view value;
    std::optional<int32_t> partition;
  };
  struct Schema {
    std::optional<int32_t> id;
    std::optional<std::string> text;
  };
  std::vector<Record> records;
  Schema key_schema;
  Schema value_schema;
};

/// `body` is padded. Throws RestRefusal 400 for what is no JSON, 422 for what is no such request.
V2Request ParseV2(std::string_view body, size_t records_max);

}  // namespace millrace::source
