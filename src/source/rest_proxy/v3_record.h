#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "event/record_headers.h"
#include "source/rest_proxy/embedded_format.h"

namespace millrace::source {

/// One record of the v3 API, as views into its JSON.
struct V3Record {
  struct Data {
    bool there = false;
    std::optional<EmbeddedFormat> format;
    std::string_view json;  // empty: none
    std::optional<std::string> subject;
    std::optional<int32_t> schema_id;
    std::optional<int32_t> schema_version;
    std::optional<std::string> schema;

    bool is_null() const { return json.empty() || json == "null"; }
  };
  std::optional<int32_t> partition;
  event::HeaderList headers;
  Data key;
  Data value;
  std::optional<Timestamp> time;
};

/// `object` is padded. Throws RestRefusal 400 for what is no JSON or no such record.
V3Record ParseV3(std::string_view object);

}  // namespace millrace::source
