#include "app/http_poll_options.h"

#include "app/config_words.h"
#include "io/digest.h"

namespace millrace::app {
namespace {

source::HttpAuth AuthOf(const HttpAuthConfig& config) {
  using Kind = source::HttpAuth::Kind;
  if (config.bearer) return {Kind::kHeader, "Authorization", "Bearer " + config.bearer->Reveal()};
  if (config.basic) {
    const auto pair = config.basic->username + ":" + config.basic->password.Reveal();
    return {Kind::kHeader, "Authorization", "Basic " + io::Base64(pair)};
  }
  if (!config.api_key) return {};
  const auto& key = *config.api_key;
  if (!key.header.empty()) return {Kind::kHeader, key.header, key.value.Reveal()};
  return {Kind::kQuery, key.param, key.value.Reveal()};
}

source::PaginationKind KindOf(PaginationWord word) {
  switch (word) {
    case PaginationWord::kNone:
      return source::PaginationKind::kNone;
    case PaginationWord::kPage:
      return source::PaginationKind::kPage;
    case PaginationWord::kOffset:
      return source::PaginationKind::kOffset;
    case PaginationWord::kCursor:
      return source::PaginationKind::kCursor;
    case PaginationWord::kLink:
      return source::PaginationKind::kLink;
  }
  return source::PaginationKind::kNone;
}

source::Pagination PaginationOf(const PaginationConfig& config) {
  source::Pagination pagination;
  pagination.kind = KindOf(config.kind);
  pagination.param = config.param.empty() ? config::ValueParser<PaginationWord>::Print(config.kind) : config.param;
  pagination.first = config.first.value_or(config.kind == PaginationWord::kPage ? 1 : 0);
  pagination.size_param = config.size_param;
  pagination.size = config.size;
  pagination.next = config.next;
  pagination.total = config.total;
  if (config.end_status) pagination.end_status = static_cast<int>(*config.end_status);
  pagination.unique_rows = config.unique_rows;
  pagination.pages_max = config.pages_max;
  return pagination;
}

}  // namespace

source::HttpPollOptions HttpPollOptionsFor(const std::string& name, const HttpPollConfig& config, bool ends) {
  source::HttpPollOptions options;
  options.name = name;
  options.method = config.method;
  options.url = config.url;
  options.body = config.body;
  for (const auto& [header, value] : config.headers) options.headers.push_back({header, value});
  if (config.auth) options.auth = AuthOf(*config.auth);
  options.rows = config.rows;
  if (config.pagination) options.pagination = PaginationOf(*config.pagination);
  if (config.incremental) {
    options.incremental = {config.incremental->field, config.incremental->param, config.incremental->initial};
  }
  options.every = config.every;
  options.run_for = config.run_for;
  options.until_rows = config.until_rows;
  if (ends) options.retry_time = config.retry_time;
  options.timeout = config.timeout;
  options.response_bytes_max = config.response_size_max.bytes;
  options.redirects_max = static_cast<int>(config.redirects_max);
  options.allow_private = config.allow_private;
  for (const auto& range : config.allow_addresses) {
    if (const auto parsed = io::IpRange::Parse(range)) options.allow_addresses.push_back(*parsed);
  }
  if (config.ca_file) options.ca_file = config.ca_file->value;
  return options;
}

}  // namespace millrace::app
