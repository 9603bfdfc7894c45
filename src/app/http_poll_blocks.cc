#include "app/http_poll_blocks.h"

#include "app/config_checks.h"
#include "app/config_words.h"

namespace millrace::app {
namespace {

using config::Block;
using config::ByteSize;
using config::Duration;

const Block<BasicAuthConfig>& BasicAuthBlock() {
  static const auto block =
      Block<BasicAuthConfig>("A user name and a password (RFC 7617).")
          .Add(&BasicAuthConfig::username, {.name = "username", .doc = "Who asks.", .required = true})
          .Add(&BasicAuthConfig::password, {.name = "password", .doc = "The password.", .required = true});
  return block;
}

const Block<ApiKeyConfig>& ApiKeyBlock() {
  static const auto block =
      Block<ApiKeyConfig>("A key in a header or a query parameter of the API's choice.")
          .Add(&ApiKeyConfig::header, {.name = "header", .doc = "The header that holds it, such as X-Api-Key."})
          .Add(&ApiKeyConfig::param, {.name = "param", .doc = "Or the query parameter that holds it."})
          .Add(&ApiKeyConfig::value, {.name = "value", .doc = "The key.", .required = true});
  return block;
}

const Block<HttpAuthConfig>& HttpAuthBlock() {
  static const auto block =
      Block<HttpAuthConfig>("Who asks; one of the three. It is sent to the host of `url` and to no other.")
          .Add(&HttpAuthConfig::bearer, {.name = "bearer", .doc = "A token, sent as Authorization: Bearer."})
          .Nested("basic", &HttpAuthConfig::basic, BasicAuthBlock())
          .Nested("api_key", &HttpAuthConfig::api_key, ApiKeyBlock());
  return block;
}

const Block<PaginationConfig>& PaginationBlock() {
  static const auto block =
      Block<PaginationConfig>("How a listing of several pages is read; all of its pages are one round.")
          .Add(
              &PaginationConfig::kind,
              {.name = "kind",
               .doc = "`page`: by number. `offset`: by the number of rows before. `cursor`: the answer holds what to "
                      "ask for next. `link`: the answer names the URL of the next page, in a Link header or in itself.",
               .fallback = PaginationWord::kNone,
               .required = true})
          .Add(&PaginationConfig::param, {.name = "param",
                                          .doc = "The query parameter of page, offset or cursor; by itself called like "
                                                 "the kind."})
          .Add(&PaginationConfig::first,
               {.name = "first", .doc = "The first page or offset; by itself page 1 and offset 0.", .min = 0})
          .Add(&PaginationConfig::size_param,
               {.name = "size_param", .doc = "The query parameter that says how many rows a page shall have."})
          .Add(&PaginationConfig::size, {.name = "size", .doc = "That number.", .fallback = 100, .min = 1})
          .Add(&PaginationConfig::next, {.name = "next",
                                         .doc = "JSON path of the cursor, or of the next page's URL where no Link "
                                                "header has it. Nothing there, null or empty text is the end."})
          .Add(&PaginationConfig::total,
               {.name = "total",
                .doc = "JSON path of how many rows there are in all; saves asking for a last, empty page by offset or "
                       "page (there `size` must be what the API really gives)."})
          .Add(&PaginationConfig::end_status,
               {.name = "end_status",
                .doc = "A status that means the end on any page but the first, such as 404.",
                .min = 400,
                .max = 499})
          .Add(&PaginationConfig::unique_rows,
               {.name = "unique_rows",
                .doc =
                    "Each row is unlike every other (it has an id). Then pages that move while they are read, because "
                    "rows come or go before them, are noticed: rows that come again are dropped, and rows that "
                    "slipped to an earlier page are fetched (kinds offset, and page with `total`).",
                .fallback = false})
          .Add(&PaginationConfig::pages_max, {.name = "pages_max",
                                              .doc = "More pages than this in one round are an error.",
                                              .fallback = 10'000,
                                              .min = 1});
  return block;
}

const Block<IncrementalConfig>& IncrementalBlock() {
  static const auto block =
      Block<IncrementalConfig>(
          "Each round asks only for what is newer than the round before. The newest value is stored with the rows.")
          .Add(&IncrementalConfig::field,
               {.name = "field",
                .doc = "JSON path within a row of what grows: a time such as $.updated_at (text of one form and zone), "
                       "or a number.",
                .required = true})
          .Add(&IncrementalConfig::param,
               {.name = "param", .doc = "The query parameter that takes the newest value.", .required = true})
          .Add(&IncrementalConfig::initial,
               {.name = "initial", .doc = "Its value in the first round; without it, it is left out there."});
  return block;
}

}  // namespace

const Block<HttpPollConfig>& HttpPollBlock() {
  static const auto block =
      Block<HttpPollConfig>(
          "Rows of a JSON API, asked for round after round. Needs a `topic`: an API does not answer twice alike.")
          .Add(&HttpPollConfig::url, {.name = "url", .doc = "Where to ask, with a fixed query.", .required = true})
          .Add(&HttpPollConfig::method, {.name = "method", .doc = "GET or POST.", .fallback = "GET"})
          .Add(&HttpPollConfig::headers, {.name = "headers", .doc = "Headers of every request; secrets go to `auth`."})
          .Add(&HttpPollConfig::body,
               {.name = "body", .doc = "What is posted; JSON unless a Content-Type says otherwise."})
          .Nested("auth", &HttpPollConfig::auth, HttpAuthBlock())
          .Add(&HttpPollConfig::rows,
               {.name = "rows",
                .doc =
                    "JSON path of the rows: an array, or one object. $, $.data.items, $['any name'][0], $.results[*].",
                .fallback = "$"})
          .Nested("pagination", &HttpPollConfig::pagination, PaginationBlock())
          .Nested("incremental", &HttpPollConfig::incremental, IncrementalBlock())
          .Add(&HttpPollConfig::every,
               {.name = "every",
                .doc = "From the start of a round to the start of the next. Without it there is "
                       "one round in a run.",
                .min = Duration(10)})
          .Add(&HttpPollConfig::run_for,
               {.name = "for", .doc = "No round begins later than this after the start of a run.", .min = Duration(1)})
          .Add(&HttpPollConfig::until_rows,
               {.name = "until_rows",
                .doc = "The end is the page with which this many rows have come, in all runs together.",
                .min = 1})
          .Add(&HttpPollConfig::timeout, {.name = "timeout",
                                          .doc = "How long one answer may take, to its last byte.",
                                          .fallback = Duration(30'000),
                                          .min = Duration(100)})
          .Add(&HttpPollConfig::retry_time,
               {.name = "retry_time",
                .doc = "With --until-idle or --for: how long a request that fails is sent again before the run fails. "
                       "Otherwise it is sent again for ever.",
                .fallback = Duration(120'000)})
          .Add(&HttpPollConfig::response_size_max, {.name = "response_size_max",
                                                    .doc = "A larger answer, unpacked, is an error.",
                                                    .fallback = ByteSize{int64_t{16} << 20},
                                                    .min = ByteSize{int64_t{1} << 10},
                                                    .max = ByteSize{int64_t{128} << 20}})
          .Add(&HttpPollConfig::redirects_max, {.name = "redirects_max",
                                                .doc = "Redirects of one request that are followed.",
                                                .fallback = 5,
                                                .min = 0,
                                                .max = 20})
          .Add(&HttpPollConfig::allow_private,
               {.name = "allow_private",
                .doc =
                    "Also poll loopback, private, link-local and other addresses that are not of the Internet, and go "
                    "through the proxy that the environment names.",
                .fallback = false})
          .Add(&HttpPollConfig::allow_addresses,
               {.name = "allow_addresses", .doc = "Poll these of them: 10.1.0.0/16, 192.168.1.7, fd00::/8."})
          .Add(&HttpPollConfig::ca_file,
               {.name = "ca_file", .doc = "Certificates (PEM) that the API's is checked against."})
          .Check(CheckHttpPoll);
  return block;
}

}  // namespace millrace::app
