#include "source/http_poll/http_poll_source.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/hand_clock.h"
#include "contract/source_contract.h"
#include "io/http_client.h"
#include "services/service.h"

namespace millrace::source {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Real HTTP to a server of tests/services/json_api.py, one for all tests.
class HttpPollTest : public testing::Test {
 protected:
  static const std::string& Address() {
    static const services::Service server("json_api.py");
    return server.address();
  }
  static std::string Get(const std::string& path) {
    io::HttpClient client;
    io::HttpRequest request;
    request.url = Address() + path;
    return client.Send(request).body;
  }
  static void Reset(int rows) { Get(fmt::format("/reset?rows={}", rows)); }
  static std::vector<std::string> Asked() { return json::parse(Get("/seen")); }

  static HttpPollOptions Options(const std::string& path, PaginationKind kind = PaginationKind::kNone) {
    HttpPollOptions options;
    options.name = "api";
    options.url = Address() + path;
    options.rows = kind == PaginationKind::kLink ? "$[*]" : "$.data";
    options.allow_private = true;
    options.pagination.kind = kind;
    options.pagination.param = kind == PaginationKind::kPage     ? "page"
                               : kind == PaginationKind::kOffset ? "offset"
                                                                 : "cursor";
    options.pagination.first = kind == PaginationKind::kPage ? 1 : 0;
    options.retry_time = seconds(20);
    return options;
  }

  /// What comes until the end, as text; `at` is where the next reader begins.
  static std::vector<std::string> ReadOn(HttpPollSource& source, event::Positions& at) {
    source.Seek(at);
    std::vector<std::string> rows;
    for (;;) {
      const auto read = source.Read({}, {});
      if (read.state == event::ReadState::kExhausted) return rows;
      if (!read.batch) continue;
      EXPECT_EQ(read.batch->begin, at[read.batch->split]);
      for (size_t i = 0; i < read.batch->size(); ++i) rows.emplace_back(read.batch->record(i));
      at[read.batch->split] = read.batch->end;
    }
  }
  static std::vector<std::string> ReadAll(const HttpPollOptions& options) {
    HttpPollSource source(options);
    event::Positions at;
    return ReadOn(source, at);
  }
  static std::map<int, int> Ids(const std::vector<std::string>& rows) {
    std::map<int, int> counts;
    for (const auto& row : rows) ++counts[json::parse(row).at("id").get<int>()];
    return counts;
  }
  static std::map<int, int> Once(int begin, int end) {
    std::map<int, int> counts;
    for (int id = begin; id < end; ++id) counts[id] = 1;
    return counts;
  }
  static Error FailureOf(const HttpPollOptions& options) {
    try {
      ReadAll(options);
    } catch (const Error& error) {
      return error;
    }
    return {ErrorCode::kInternal, "nothing was thrown"};
  }
};

TEST_F(HttpPollTest, EveryKindOfPaginationReadsAllAndKeepsTheContract) {
  Reset(11);
  for (const auto& [path, kind] : {std::pair{"/items?limit=3", PaginationKind::kOffset},
                                   {"/pages", PaginationKind::kPage},
                                   {"/marks", PaginationKind::kCursor},
                                   {"/links", PaginationKind::kLink}}) {
    SCOPED_TRACE(path);
    auto options = Options(path, kind);
    if (kind == PaginationKind::kCursor) options.pagination.next = "$.paging.next";
    EXPECT_EQ(Ids(ReadAll(options)), Once(0, 11));
    // Its end in a run is known by how many have come, so that another reader from there finds nothing more.
    options.until_rows = 11;
    event::CheckSourceContract([&] { return std::make_unique<HttpPollSource>(options); }, {});
  }
}

TEST_F(HttpPollTest, RowsAreTheBytesOfTheApi) {
  Reset(1);
  EXPECT_EQ(ReadAll(Options("/items")), std::vector<std::string>{R"({"id":0,"updated_at":"2026-01-01T00:00:00Z"})"});
  auto options = Options("/echo");
  options.rows = "$";
  options.method = "POST";
  options.body = R"({"query":"a"})";
  options.headers = {{"X-One", "1"}};
  const auto echo = json::parse(ReadAll(options).at(0));
  EXPECT_EQ(echo["method"], "POST");
  EXPECT_EQ(echo["body"], options.body);
  EXPECT_EQ(echo["headers"]["X-One"], "1");
  EXPECT_EQ(echo["headers"]["Content-Type"], "application/json");
}

TEST_F(HttpPollTest, TotalSavesTheLastRequest) {
  Reset(6);
  auto options = Options("/items?limit=3", PaginationKind::kOffset);
  options.pagination.total = "$.total";
  EXPECT_EQ(Ids(ReadAll(options)), Once(0, 6));
  EXPECT_EQ(Asked().size(), 2u);
}

TEST_F(HttpPollTest, TotalOfPagesCountsTheRowsThatCame) {
  Reset(7);
  auto options = Options("/pages", PaginationKind::kPage);
  options.pagination.total = "$.total";
  options.pagination.size = 5;  // which this API does not care for: its pages have 3
  EXPECT_EQ(Ids(ReadAll(options)), Once(0, 7));
  EXPECT_EQ(Asked().size(), 3u);
  // And from where another reader stopped.
  HttpPollSource source(options);
  source.Seek({});
  event::Positions at;
  for (int page = 0; page < 2; ++page) {
    const auto read = source.Read({}, {});
    ASSERT_NE(read.batch, nullptr);
    at[read.batch->split] = read.batch->end;
  }
  HttpPollSource another(options);
  EXPECT_EQ(Ids(ReadOn(another, at)), Once(6, 7));
  EXPECT_EQ(Asked().size(), 6u);
}

TEST_F(HttpPollTest, TheEndOfARoundIsStored) {
  for (const auto& [path, kind] :
       {std::pair{"/pages", PaginationKind::kPage}, {"/items?limit=3", PaginationKind::kOffset}}) {
    SCOPED_TRACE(path);
    Reset(6);
    const auto options = Options(path, kind);
    HttpPollSource source(options);
    event::Positions at;
    EXPECT_EQ(Ids(ReadOn(source, at)), Once(0, 6));
    EXPECT_FALSE(PollState::Parse(at.at(source.split())).mid_round()) << "the last page had no rows";
    HttpPollSource another(options);
    EXPECT_EQ(Ids(ReadOn(another, at)), Once(0, 6)) << "another round";
  }
  Reset(6);
  auto options = Options("/since");
  options.incremental = Incremental{.field = "$.updated_at", .param = "since", .initial = ""};
  HttpPollSource source(options);
  event::Positions at;
  ReadOn(source, at);
  const auto place = at;
  EXPECT_EQ(ReadOn(source, at), std::vector<std::string>{});
  EXPECT_EQ(at, place) << "what stays where it was is not stored again and again";
}

TEST_F(HttpPollTest, NoContentAndNullAreNoRows) {
  for (const auto* as : {"204", "null"}) {
    Reset(3);
    const auto options = Options(fmt::format("/ends?as={}", as), PaginationKind::kPage);
    EXPECT_EQ(Ids(ReadAll(options)), Once(0, 3)) << as;
    EXPECT_EQ(Asked().size(), 2u);
  }
}

TEST_F(HttpPollTest, WhatChoosesRowsNamesTheSplit) {
  const auto split = [](auto&& change, PaginationKind kind = PaginationKind::kPage) {
    auto options = Options("/pages", kind);
    options.pagination.size_param = "size";
    options.pagination.size = 3;
    change(options.pagination);
    return HttpPollSource(options).split();
  };
  const auto as_it_is = [](Pagination&) {};
  const auto another_first = [](Pagination& pagination) { pagination.first = 0; };
  const auto another_size = [](Pagination& pagination) { pagination.size = 5; };
  const auto another_param = [](Pagination& pagination) { pagination.size_param = "limit"; };
  EXPECT_EQ(split(as_it_is), split(as_it_is));
  EXPECT_NE(split(another_first), split(as_it_is));
  EXPECT_NE(split(another_size), split(as_it_is));
  EXPECT_NE(split(another_param), split(as_it_is));
  EXPECT_EQ(split(another_size, PaginationKind::kOffset), split(as_it_is, PaginationKind::kOffset))
      << "an offset means the same rows whatever the size of pages";
}

TEST_F(HttpPollTest, APageThatMovesLosesNothingAndGivesNothingTwice) {
  for (const auto* change : {"/change?insert=2&at=3", "/change?remove=2&at=3", "/change?remove=1&at=2",
                             "/change?insert=1&remove=3&at=4", "/change?remove=5&at=3"}) {
    SCOPED_TRACE(change);
    Reset(20);
    Get(change);
    auto options = Options("/items?limit=3", PaginationKind::kOffset);
    options.pagination.unique_rows = true;
    auto ids = Ids(ReadAll(options));
    for (int id = 20; id < 23; ++id) ids.erase(id);  // put in while it was read: may be seen or not
    EXPECT_EQ(ids, Once(0, 20));
  }
}

TEST_F(HttpPollTest, PagesByNumberThatMoveAreNoticedByTheTotal) {
  for (const auto* change : {"/change?insert=2&at=3", "/change?remove=2&at=3"}) {
    SCOPED_TRACE(change);
    Reset(20);
    Get(change);
    auto options = Options("/pages", PaginationKind::kPage);
    options.pagination.unique_rows = true;
    options.pagination.total = "$.total";
    options.pagination.size = 3;
    auto ids = Ids(ReadAll(options));
    for (int id = 20; id < 23; ++id) ids.erase(id);
    EXPECT_EQ(ids, Once(0, 20));
  }
}

TEST_F(HttpPollTest, IncrementalRoundsTakeWhatIsNewOnce) {
  Reset(5);
  auto options = Options("/since");
  options.incremental = Incremental{.field = "$.updated_at", .param = "since", .initial = "2026-01-01T00:00:02Z"};
  HttpPollSource source(options);
  event::Positions at;
  EXPECT_EQ(Ids(ReadOn(source, at)), Once(2, 5));
  EXPECT_EQ(ReadOn(source, at), std::vector<std::string>{}) << "the API gives the newest row again: it is dropped";
  Get("/change?insert=3&at=0");
  HttpPollSource another(options);
  EXPECT_EQ(Ids(ReadOn(another, at)), Once(5, 8));
  EXPECT_EQ(Asked().back(), "GET /since?since=2026-01-01T00%3A00%3A04Z");
}

TEST_F(HttpPollTest, WhatDidNotChangeIsNotTakenAgain) {
  Reset(4);
  auto options = Options("/tag");
  options.rows = "$";
  HttpPollSource source(options);
  event::Positions at;
  EXPECT_EQ(ReadOn(source, at), std::vector<std::string>{R"({"rows":4})"});
  EXPECT_EQ(ReadOn(source, at), std::vector<std::string>{}) << "304";
  Get("/change?insert=1&at=0");
  Get("/items");
  EXPECT_EQ(ReadOn(source, at), std::vector<std::string>{R"({"rows":5})"});
}

TEST_F(HttpPollTest, APlaceThatRepeatsIsAnError) {
  auto loop = Options("/loop", PaginationKind::kCursor);
  loop.pagination.next = "$.next";
  EXPECT_THAT(FailureOf(loop).what(), HasSubstr("was read already in this round"));
  EXPECT_THAT(FailureOf(Options("/same", PaginationKind::kPage)).what(), HasSubstr("the same as the two before it"));
  auto many = Options("/marks", PaginationKind::kCursor);
  many.pagination.next = "$.paging.next";
  many.pagination.pages_max = 2;
  Reset(20);
  EXPECT_THAT(FailureOf(many).what(), HasSubstr("raise pagination.pages_max"));
}

TEST_F(HttpPollTest, OnlyAllowedAddressesAreConnectedToOnAnyHop) {
  Reset(3);
  auto options = Options("/items");
  options.allow_private = false;
  EXPECT_THAT(FailureOf(options).what(), AllOf(HasSubstr("127.0.0.1"), HasSubstr("allow_private")));
  options.url = "http://localhost" + Address().substr(Address().rfind(':')) + "/items";
  EXPECT_THAT(FailureOf(options).what(), HasSubstr("allow_private")) << "a name is what it stands for";
  EXPECT_EQ(Asked().size(), 0u) << "no request may leave";

  options = Options("/to?url=%2Fitems");
  options.allow_private = false;
  options.allow_addresses = {*io::IpRange::Parse("127.0.0.1")};
  EXPECT_EQ(Ids(ReadAll(options)), Once(0, 3));
  for (const auto* url :
       {"http://127.0.0.2:1/", "http://169.254.169.254/latest/meta-data/", "http://[::1]:1/", "http://0x7f.0.0.2:1/"}) {
    options.url = Address() + "/to?url=" + url;
    EXPECT_THAT(FailureOf(options).what(), HasSubstr("may not be connected to")) << url;
  }
}

TEST_F(HttpPollTest, RedirectsAreFollowedWithinLimits) {
  Reset(3);
  EXPECT_EQ(Ids(ReadAll(Options("/to?status=307&url=%2Fto%3Furl%3D%2Fitems"))), Once(0, 3));
  EXPECT_THAT(FailureOf(Options("/to?url=file:///etc/passwd")).what(), HasSubstr("no http or https URL"));
  auto options = Options("/to?url=/to?url=/items");
  options.redirects_max = 1;
  EXPECT_THAT(FailureOf(options).what(), HasSubstr("not followed"));
}

TEST_F(HttpPollTest, SecretsGoToTheirHostAndNowhereElse) {
  auto options = Options("/secret");
  options.rows = "$";
  for (const auto& auth : {HttpAuth{HttpAuth::Kind::kHeader, "Authorization", "Bearer opensesame"},
                           {HttpAuth::Kind::kHeader, "X-Api-Key", "opensesame"},
                           {HttpAuth::Kind::kQuery, "key", "opensesame"}}) {
    options.auth = auth;
    EXPECT_EQ(ReadAll(options).size(), 1u);
  }
  options.auth = {HttpAuth::Kind::kHeader, "Authorization", "Bearer wrongsecret"};
  EXPECT_THAT(FailureOf(options).what(),
              AllOf(HasSubstr("401"), HasSubstr("check `auth`"), Not(HasSubstr("wrongsecret"))));
  // The same server by another name is another host.
  options.auth.value = "Bearer opensesame";
  options.url = Address() + "/to?url=http://localhost" + Address().substr(Address().rfind(':')) + "/secret";
  EXPECT_THAT(FailureOf(options).what(), HasSubstr("401"));
}

TEST_F(HttpPollTest, SecretsThatAnApiRepeatsAreNotStored) {
  Reset(9);
  auto options = Options("/keyed?size=3", PaginationKind::kLink);
  options.rows = "$.data";
  options.pagination.next = "$.next";
  options.auth = {HttpAuth::Kind::kQuery, "key", "opensesame"};
  HttpPollSource source(options);
  source.Seek({});
  const auto read = source.Read({}, {});
  ASSERT_NE(read.batch, nullptr);
  EXPECT_THAT(read.batch->end.value(), AllOf(HasSubstr("page=2"), Not(HasSubstr("opensesame"))));
  EXPECT_EQ(Ids(ReadAll(options)), Once(0, 9));

  options.url = Address() + "/keyed?size=3&in=cursor";
  options.pagination.kind = PaginationKind::kCursor;
  EXPECT_THAT(FailureOf(options).what(), AllOf(HasSubstr("holds the secret of `auth`"), Not(HasSubstr("opensesame"))));
}

TEST_F(HttpPollTest, AskingToComeBackAtOnceMakesNoHotLoop) {
  Reset(1);
  auto options = Options("/status/503?after=0");
  options.retry_time.reset();
  HandClock clock;
  HttpPollSource source(options, clock);
  source.Seek({});
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(source.Read({.wait = milliseconds(0)}, {}).state, event::ReadState::kWaiting);
  }
  EXPECT_EQ(Asked().size(), 1u);
  clock.Pass(seconds(1));
  source.Read({.wait = milliseconds(0)}, {});
  EXPECT_EQ(Asked().size(), 2u);
}

TEST_F(HttpPollTest, FailuresOfOtherKindsDoNotMakeAPageBroken) {
  Reset(9);
  EXPECT_EQ(Ids(ReadAll(Options("/broken?fail=2&times=1", PaginationKind::kPage))), Once(0, 9));
}

TEST_F(HttpPollTest, WhatMayPassIsWaitedFor) {
  Reset(1);
  auto options = Options("/status/429?times=2&after=1");
  options.rows = "$";
  EXPECT_EQ(ReadAll(options).size(), 1u);
  options.url = Address() + "/status/503?times=1&after=0";
  EXPECT_EQ(ReadAll(options).size(), 1u);
  options.url = Address() + "/status/500";
  options.retry_time = milliseconds(700);
  const auto failure = FailureOf(options);
  EXPECT_EQ(failure.code(), ErrorCode::kUnavailable);
  EXPECT_THAT(failure.what(), AllOf(HasSubstr("answered 500"), HasSubstr("given up")));
  options.url = Address() + "/status/404";
  EXPECT_EQ(FailureOf(options).code(), ErrorCode::kConfig) << "at once";
}

TEST_F(HttpPollTest, WhoWaitsSaysWhy) {
  auto options = Options("/status/503?after=100");
  options.retry_time.reset();
  HttpPollSource source(options);
  source.Seek({});
  EXPECT_EQ(source.WaitsFor(), "");
  EXPECT_EQ(source.Read({}, {}).state, event::ReadState::kWaiting);
  EXPECT_THAT(source.WaitsFor(), HasSubstr("answered 503"));
}

TEST_F(HttpPollTest, SlowAndHugeAnswersEnd) {
  auto options = Options("/slow");
  options.timeout = milliseconds(300);
  options.retry_time = milliseconds(0);
  EXPECT_THAT(FailureOf(options).what(), HasSubstr("Timeout"));
  options = Options("/huge");
  options.response_bytes_max = 1 << 20;
  EXPECT_THAT(FailureOf(options).what(),
              AllOf(HasSubstr("larger than the 1048576 bytes"), HasSubstr("response_size_max")));
}

TEST_F(HttpPollTest, APageThatIsNoJsonStopsWithItsPlaceAndLosesNothing) {
  Reset(9);
  auto options = Options("/broken", PaginationKind::kPage);
  HttpPollSource source(options);
  event::Positions at;
  try {
    ReadOn(source, at);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kData);
    EXPECT_THAT(error.what(), AllOf(HasSubstr("/broken (page=2)"), HasSubstr("no JSON from byte"),
                                    HasSubstr("asked 3 times"), HasSubstr("next run asks for it again")));
  }
  // Mended: the run after it goes on behind what came.
  Reset(9);
  options.url = Address() + "/broken?times=0";
  const auto place = at.begin()->second;
  HttpPollSource mended(options);
  event::Positions from;
  from[mended.split()] = place;
  EXPECT_EQ(Ids(ReadOn(mended, from)), Once(3, 9));
  // Broken once: asked for again.
  Reset(9);
  EXPECT_EQ(Ids(ReadAll(Options("/broken?times=1", PaginationKind::kPage))), Once(0, 9));
}

TEST_F(HttpPollTest, AnAnswerOfAnotherShapeIsAnError) {
  Reset(3);
  auto options = Options("/items");
  options.rows = "$.results";
  EXPECT_THAT(FailureOf(options).what(), AllOf(HasSubstr("nothing at $.results"), HasSubstr("/items")));
  options.rows = "$.total";
  EXPECT_THAT(FailureOf(options).what(), HasSubstr("neither an array nor an object at $.total"));
}

TEST_F(HttpPollTest, RoundsGoOnForTheirTime) {
  Reset(1);
  auto options = Options("/users?results=2");
  options.rows = "$.results[*]";
  options.every = milliseconds(50);
  options.run_for = milliseconds(230);
  const auto rows = ReadAll(options);
  EXPECT_GE(rows.size(), 2u);
  EXPECT_LE(rows.size(), 10u) << "five rounds at most";
  options.run_for.reset();
  options.until_rows = 6;
  EXPECT_EQ(ReadAll(options).size(), 6u);
}

TEST(JsonPath, SaysWhereAValueStands) {
  EXPECT_EQ(JsonPath::Parse("$").pointer(), "");
  EXPECT_EQ(JsonPath::Parse("$.a.b[2]['c/d~e'][*]").pointer(), "/a/b/2/c~1d~0e");
  EXPECT_TRUE(JsonPath::Parse("data.items[*]").elements());
  for (const auto* bad : {"$..a", "$.a[*].b", "$.a[?(@.b)]", "$a", "$.a[", "$.", "$['a]", "$.a[-1]", "$.*"}) {
    EXPECT_THROW(JsonPath::Parse(bad), Error) << bad;
  }
}

TEST(PollState, IsStoredWhole) {
  PollState state;
  EXPECT_EQ(state.Print(), event::kStart);
  state.rows = 12;
  state.next = "a\"b";
  state.pages = 3;
  state.total = 7;
  state.round_rows = 6;
  state.since = state.newest = "2026";
  state.since_rows.Add(1);
  state.newest_rows.Add(2);
  state.recent.Add(UINT64_MAX);
  state.etag = "W/\"1\"";
  state.etag_url = "ff";
  const auto cursor = state.Print();
  EXPECT_EQ(PollState::Parse(cursor).Print(), cursor);
  EXPECT_EQ(cursor.value().substr(0, 34), R"({"v":1,"rows":12,"next":"a\"b","pa)") << "frozen";
  EXPECT_THROW(PollState::Parse(event::Cursor("12")), Error);
  EXPECT_THROW(PollState::Parse(event::Cursor(R"({"v":2})")), Error);
}

TEST(Redaction, ShowsNoPartOfASecret) {
  const Redaction redaction(HttpAuth{HttpAuth::Kind::kHeader, "Authorization", "Bearer open/sesame"});
  EXPECT_EQ(redaction.Excerpt("a open/sesame b", 0, 200), "a *** b");
  EXPECT_EQ(redaction.Excerpt("a open\\/sesame open%2Fsesame b", 0, 200), "a *** *** b");
  const std::string text = "12345open/sesame67890";
  for (size_t begin = 0; begin < text.size(); ++begin) {
    for (size_t bytes = 0; bytes <= text.size(); ++bytes) {
      const auto shown = redaction.Excerpt(text, begin, bytes);
      EXPECT_EQ(shown.find_first_of("opensam/"), std::string::npos) << begin << " " << bytes << " " << shown;
    }
  }
  EXPECT_TRUE(redaction.Holds("/next?after=open%2Fsesame"));
  EXPECT_FALSE(redaction.Holds("/next?after=open"));
  const Redaction star(HttpAuth{HttpAuth::Kind::kQuery, "key", "*"});
  EXPECT_EQ(star.Excerpt("a*b**", 0, 200), "a***b******");
  EXPECT_EQ(star.WithoutParameter("http://a/b?key=*&c=1"), "http://a/b?c=1");
  EXPECT_EQ(Redaction(HttpAuth{}).Excerpt("a\nb", 0, 200), "a.b");
}

TEST(NewRows, ComparesNumbersAndTimes) {
  EXPECT_TRUE(IsNewer("10", "9"));
  EXPECT_TRUE(IsNewer("2026-01-02", "2026-01-01"));
  EXPECT_FALSE(IsNewer("", "1"));
  EXPECT_FALSE(IsNewer("1", "1"));
  EXPECT_TRUE(IsNewer("1", ""));
}

}  // namespace
}  // namespace millrace::source
