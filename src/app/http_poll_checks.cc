#include <fmt/format.h>

#include "app/config_checks.h"
#include "base/error.h"
#include "io/http_url.h"
#include "io/ip_range.h"
#include "source/json_path.h"

namespace millrace::app {
namespace {

void CheckPath(const config::Located& block, const char* member, const std::string& text, const std::string& path,
               config::ParseContext& context) {
  if (text.empty()) return;
  try {
    source::JsonPath::Parse(text);
  } catch (const Error& error) {
    context.problems.Add(block.MarkOf(member), fmt::format("{}.{}: {}", path, member, error.message()));
  }
}

void CheckAuth(const HttpAuthConfig& auth, const std::string& path, config::ParseContext& context) {
  if (auth.bearer.has_value() + auth.basic.has_value() + auth.api_key.has_value() != 1) {
    context.problems.Add(auth.mark, fmt::format("{}: give one of bearer, basic, api_key", path));
  }
  if (auth.api_key && auth.api_key->header.empty() == auth.api_key->param.empty()) {
    context.problems.Add(auth.api_key->mark, fmt::format("{}.api_key: give one of header, param", path));
  }
}

void CheckPagination(const PaginationConfig& pagination, const std::string& path, config::ParseContext& context) {
  CheckPath(pagination, "next", pagination.next, path, context);
  CheckPath(pagination, "total", pagination.total, path, context);
  const bool by_place = pagination.kind == PaginationWord::kPage || pagination.kind == PaginationWord::kOffset;
  if (pagination.kind == PaginationWord::kCursor && pagination.next.empty()) {
    context.problems.Add(pagination.mark, fmt::format("{}: kind cursor needs `next`, where the answer has it", path));
  }
  for (const auto* word : {"first", "total", "end_status"}) {
    if (!by_place && pagination.Given(word)) {
      context.problems.Add(pagination.MarkOf(word), fmt::format("{}.{}: is for kinds page and offset", path, word));
    }
  }
  if (by_place && pagination.Given("next")) {
    context.problems.Add(pagination.MarkOf("next"), fmt::format("{}.next: is for kinds cursor and link", path));
  }
  if (pagination.kind == PaginationWord::kLink && pagination.Given("param")) {
    context.problems.Add(pagination.MarkOf("param"), fmt::format("{}.param: a link is followed as it is", path));
  }
}

}  // namespace

void CheckHttpPoll(const HttpPollConfig& poll, const std::string& path, config::ParseContext& context) {
  CheckAddress(poll, "url", poll.url, poll.auth.has_value(), path, context);
  if (!poll.url.empty() && io::OriginOf(poll.url).empty()) {
    context.problems.Add(poll.MarkOf("url"), fmt::format("{}.url: '{}' is no address that can be asked; user names and "
                                                         "passwords go to `auth`",
                                                         path, io::ShownUrl(poll.url)));
  }
  if (poll.method != "GET" && poll.method != "POST") {
    context.problems.Add(poll.MarkOf("method"),
                         fmt::format("{}.method: expected GET or POST, found '{}'", path, poll.method));
  }
  if (!poll.body.empty() && poll.method == "GET") {
    context.problems.Add(poll.MarkOf("body"), fmt::format("{}.body: goes with `method: POST`", path));
  }
  if (poll.run_for && !poll.every) {
    context.problems.Add(poll.MarkOf("for"), fmt::format("{}.for: needs `every`; without it there is one round", path));
  }
  for (const auto& range : poll.allow_addresses) {
    if (io::IpRange::Parse(range)) continue;
    context.problems.Add(poll.MarkOf("allow_addresses"),
                         fmt::format("{}.allow_addresses: '{}' is no IP address or range", path, range));
  }
  CheckPath(poll, "rows", poll.rows, path, context);
  if (poll.incremental) CheckPath(*poll.incremental, "field", poll.incremental->field, path + ".incremental", context);
  if (poll.auth) CheckAuth(*poll.auth, path + ".auth", context);
  if (poll.pagination) CheckPagination(*poll.pagination, path + ".pagination", context);
}

}  // namespace millrace::app
