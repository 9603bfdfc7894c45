#include "source/mongodb/mongo_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "base/error.h"
#include "services/mongo_server.h"
#include "source/mongodb/mongo_source.h"

namespace millrace::source {
namespace {

using event::ReadState;
using testing::ElementsAre;
using testing::HasSubstr;

MongoSourceOptions Options() {
  MongoSourceOptions options;
  options.name = "people";
  options.database = "changes";
  options.collection = "people";
  options.changes = MongoChangesForm::kDocuments;
  options.changes_asked = "p.yaml:3: sources.people.mongodb.changes";
  options.ends = true;
  return options;
}

Error Thrown(uint32_t domain, uint32_t code, bool passing = false, bool first = false) {
  bson_error_t error{};
  error.domain = domain;
  error.code = code;
  std::strcpy(error.message, "as the server says");
  try {
    ThrowChanges(Options(), error, passing, first);
  } catch (const Error& thrown) {
    return thrown;
  }
}

TEST(MongoChangesErrors, SayWhetherAnotherTryMendsThem) {
  EXPECT_EQ(Thrown(MONGOC_ERROR_STREAM, MONGOC_ERROR_STREAM_SOCKET).code(), ErrorCode::kUnavailable);
  EXPECT_EQ(Thrown(MONGOC_ERROR_SERVER, 189).code(), ErrorCode::kUnavailable) << "the primary stepped down";
  EXPECT_EQ(Thrown(MONGOC_ERROR_SERVER, 4711, true).code(), ErrorCode::kUnavailable) << "the server calls it resumable";
  EXPECT_EQ(Thrown(MONGOC_ERROR_SERVER, 13, false, true).code(), ErrorCode::kConfig);
  const auto lost = Thrown(MONGOC_ERROR_SERVER, 286);
  EXPECT_EQ(lost.code(), ErrorCode::kStop);
  EXPECT_THAT(lost.what(), HasSubstr("changes are missing"));
  EXPECT_THAT(lost.what(), HasSubstr("another name"));
  EXPECT_THAT(lost.what(), HasSubstr("replSetResizeOplog"));
  const auto none = Thrown(MONGOC_ERROR_SERVER, 40573, false, true);
  EXPECT_EQ(none.code(), ErrorCode::kConfig);
  EXPECT_THAT(none.what(), HasSubstr("p.yaml:3: sources.people.mongodb.changes: the server gives no change stream"));
  EXPECT_EQ(Thrown(MONGOC_ERROR_SERVER, 10334).code(), ErrorCode::kStop);
}

TEST(MongoChangesErrors, APositionThatIsNoneStops) {
  auto options = Options();
  options.server.uri = "mongodb://127.0.0.1:1/";
  io::MongoClients clients(options.server);
  for (const auto* text : {R"({"n": 1})", R"({"token": {}})"}) {
    try {
      const MongoChanges changes(options, clients, Clock::System(), event::SplitId("s"), event::Cursor(text));
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kStop);
    }
  }
}

class MongoChangesTest : public testing::Test {
 protected:
  MongoChangesTest() {
    static int made = 0;
    options_.server.uri = services::MongoOplogUri();
    options_.database += std::to_string(++made);
  }
  void Do(const std::vector<std::string>& changes) {
    services::ReadCollection(options_.database, options_.collection, changes, true);
  }
  /// What comes behind `at`, and where it stands after each batch.
  std::vector<std::string> Read(event::Positions at, std::vector<std::pair<event::Positions, size_t>>* stands = {},
                                const std::function<void(size_t batches)>& after = {}) {
    MongoSource source(options_);
    source.Seek(at);
    std::vector<std::string> records;
    for (size_t batches = 0;;) {
      const auto read = source.Read({.bytes_max = 1, .wait = std::chrono::milliseconds(50)}, {});
      if (read.state == ReadState::kExhausted) return records;
      if (read.state != ReadState::kBatch) continue;
      EXPECT_EQ(read.batch->begin, event::CursorOf(at, read.batch->split));
      at[read.batch->split] = read.batch->end;
      for (size_t i = 0; i < read.batch->size(); ++i) {
        records.push_back(std::string(read.batch->key(i)) + " " + std::string(read.batch->record(i)));
      }
      if (stands != nullptr) stands->emplace_back(at, records.size());
      if (after) after(++batches);
    }
  }

  /// What a table with a key would hold of them.
  static std::map<std::string, std::string> ModelOf(const std::vector<std::string>& records) {
    std::map<std::string, std::string> model;
    for (const auto& record : records) {
      const auto end = record.find(' ');
      model[record.substr(0, end)] = record.substr(end + 1);
    }
    std::erase_if(model, [](const auto& entry) { return entry.second.empty(); });
    return model;
  }

  MongoSourceOptions options_ = Options();
};

TEST_F(MongoChangesTest, FollowsFromBeforeTheFirstReadAndGoesOnAnywhere) {
  for (const int ranges : {1, 2}) {
    options_.ranges = ranges;
    options_.collection = "people" + std::to_string(ranges);
    Do({R"({"_id": "a", "n": 1})", R"({"_id": "b", "n": 2})", R"({"_id": "c", "n": 3})", R"({"_id": "d", "n": 4})"});
    std::vector<std::pair<event::Positions, size_t>> stands;
    const auto records = Read({}, &stands, [&](size_t batches) {
      // The place in the stream came first, then a document.
      if (batches == 2) Do({R"({"_id": "e", "n": 5})", R"(delete:{"_id": "a"})", R"(delete:{"_id": "e"})"});
    });
    const std::vector<std::string> last(records.end() - 3, records.end());
    EXPECT_THAT(last, ElementsAre(R"({"_id":"e"} {"_id":"e","n":5})", R"({"_id":"a"} )", R"({"_id":"e"} )"));
    const auto model = ModelOf(records);
    EXPECT_THAT(model, ElementsAre(testing::Key(R"({"_id":"b"})"), testing::Key(R"({"_id":"c"})"),
                                   testing::Key(R"({"_id":"d"})")));
    for (const auto& [at, before] : stands) {
      std::vector<std::string> seen(records.begin(), records.begin() + static_cast<std::ptrdiff_t>(before));
      const auto rest = Read(at);
      seen.insert(seen.end(), rest.begin(), rest.end());
      EXPECT_EQ(ModelOf(seen), model) << before;
      EXPECT_LE(rest.size(), records.size() - before);
    }
    EXPECT_THAT(Read(stands.back().first), ElementsAre());
    Do({R"({"_id": 7})"});
    EXPECT_THAT(Read(stands.back().first), ElementsAre(R"({"_id":7} {"_id":7})"));
  }
}

TEST_F(MongoChangesTest, AnEnvelopeSaysWhatWasDone) {
  options_.changes = MongoChangesForm::kEnvelope;
  Do({R"({"_id": "a"})"});
  std::vector<std::pair<event::Positions, size_t>> stands;
  // This server tells again what changed in the second before.
  EXPECT_THAT(Read({}, &stands).front(), HasSubstr(R"("after":{"_id":"a"},"op":"r")"));
  Do({R"({"_id": "b"})", R"(delete:{"_id": "a"})"});
  EXPECT_THAT(Read(stands.back().first), ElementsAre(HasSubstr(R"("after":{"_id":"b"},"op":"c")"),
                                                     HasSubstr(R"({"_id":"a"} {"before":null,"after":null,"op":"d")")));
}

}  // namespace
}  // namespace millrace::source
