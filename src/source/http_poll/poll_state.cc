#include "source/http_poll/poll_state.h"

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace millrace::source {
namespace {

constexpr int kVersion = 1;

}  // namespace

event::Cursor PollState::Print() const {
  if (rows == 0) return event::kStart;
  nlohmann::ordered_json json = {{"v", kVersion}, {"rows", rows}};
  const auto text = [&](const char* name, const std::string& value) {
    if (!value.empty()) json[name] = value;
  };
  const auto number = [&](const char* name, int64_t value) {
    if (value != 0) json[name] = value;
  };
  text("next", next);
  number("pages", pages);
  number("total", total);
  number("round_rows", round_rows);
  text("since", since);
  text("newest", newest);
  text("since_rows", since_rows.Print());
  text("newest_rows", newest_rows.Print());
  text("recent", recent.Print());
  text("etag", etag);
  text("etag_url", etag_url);
  return event::Cursor(json.dump(-1, ' ', true, nlohmann::ordered_json::error_handler_t::replace));
}

PollState PollState::Parse(const event::Cursor& cursor) {
  PollState state;
  if (cursor == event::kStart) return state;
  const auto json = nlohmann::json::parse(cursor.value(), nullptr, false);
  if (!json.is_object() || json.value("v", 0) != kVersion) {
    throw Error(ErrorCode::kStop, "where polling stands cannot be read: '" + cursor.value().substr(0, 100) +
                                      "'; it was written by another version of millrace or by something else");
  }
  state.rows = json.value("rows", int64_t{0});
  state.next = json.value("next", "");
  state.pages = json.value("pages", int64_t{0});
  state.total = json.value("total", int64_t{0});
  state.round_rows = json.value("round_rows", int64_t{0});
  state.since = json.value("since", "");
  state.newest = json.value("newest", "");
  state.since_rows = RowHashes::Parse(json.value("since_rows", ""));
  state.newest_rows = RowHashes::Parse(json.value("newest_rows", ""));
  state.recent = RowHashes::Parse(json.value("recent", ""));
  state.etag = json.value("etag", "");
  state.etag_url = json.value("etag_url", "");
  return state;
}

}  // namespace millrace::source
