#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/http_poll/redaction.h"
#include "source/json_path.h"

namespace millrace::source {

/// One JSON document that an API answered with.
class JsonPage {
 public:
  /// Checks all of it. Error kData that names the byte where it is no JSON, and shows what stands there.
  JsonPage(std::string body, const Redaction& redaction);
  ~JsonPage();
  JsonPage(JsonPage&&) noexcept;

  /// The rows, as they stand in the document: the elements of the array at `path`, or the one object there. None when
  /// there is null, or the document is null as a whole. Error kData when there is nothing, or something else. Valid as
  /// long as the page.
  std::vector<std::string_view> Rows(const JsonPath& path);

  /// The scalar at `path`, strings unescaped; nullopt when there is none, or null, false, or an empty string.
  std::optional<std::string> Value(const JsonPath& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::source
