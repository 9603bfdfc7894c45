#include "catalog/rest/vended_credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hand_clock.h"

namespace millrace::catalog {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const TableName kTable{"silver", "users"};

class VendedCredentialsTest : public testing::Test {
 protected:
  io::AwsCredentials Keys(const std::string& id, std::optional<seconds> lives = std::nullopt) {
    io::AwsCredentials keys{id, "secret", "", std::nullopt};
    if (lives) keys.expires = clock_.Now() + *lives;
    return keys;
  }
  std::string IdFor(const std::string& uri) {
    const auto keys = vended_.For(uri);
    return keys ? keys->access_key_id : "none";
  }

  HandClock clock_;
  VendedCredentials vended_{clock_};
};

TEST_F(VendedCredentialsTest, TheLongestPrefixWins) {
  vended_.Learn(kTable, {{"s3", Keys("all")},
                         {"s3://lake/wh/silver/users", Keys("table")},
                         {"s3://lake/wh/silver/users/data", Keys("data")},
                         {"s3://lake/wh/silver/users/dat", Keys("dat")}});
  EXPECT_EQ(IdFor("s3://lake/wh/silver/users/data/x.parquet"), "data");
  EXPECT_EQ(IdFor("s3://lake/wh/silver/users/metadata/x.avro"), "table");
  EXPECT_EQ(IdFor("s3://other/x"), "all");
  EXPECT_EQ(IdFor("gs://lake/x"), "none");
}

TEST_F(VendedCredentialsTest, NewOnesAreAskedForShortlyBeforeTheOldOnesEnd) {
  int asked = 0;
  vended_.SetRefresh([&](const TableName& table) -> std::vector<StorageCredential> {
    EXPECT_EQ(table, kTable);
    if (++asked == 2) throw Error(ErrorCode::kUnavailable, "the catalogue is away");
    return {{"s3://lake/t", Keys("k" + std::to_string(asked), hours(1))}};
  });
  vended_.Learn(kTable, {{"s3://lake/t", Keys("k0", hours(1))}});
  clock_.Pass(minutes(50));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k0");
  clock_.Pass(minutes(9));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k1");
  clock_.Pass(minutes(59));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k1") << "still good when the catalogue is away";
  clock_.Pass(minutes(1));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k3");
  EXPECT_EQ(asked, 3);
}

TEST_F(VendedCredentialsTest, ShortLivedOnesAndACatalogueThatIsAwayAreNotAskedForEachRequest) {
  int asked = 0;
  vended_.SetRefresh([&](const TableName&) -> std::vector<StorageCredential> {
    if (++asked == 1) throw Error(ErrorCode::kUnavailable, "the catalogue is away");
    return {{"s3://lake/t", Keys("k" + std::to_string(asked), seconds(90))}};
  });
  vended_.Learn(kTable, {{"s3://lake/t", Keys("k0", seconds(90))}});
  clock_.Pass(seconds(44));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k0");
  EXPECT_EQ(asked, 0) << "less than half their life is gone";
  clock_.Pass(seconds(1));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k0");
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k0");
  EXPECT_EQ(asked, 1);
  clock_.Pass(seconds(5));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k2");
  EXPECT_EQ(asked, 2);
}

TEST_F(VendedCredentialsTest, EndedOnesDoNotServe) {
  vended_.SetRefresh(
      [](const TableName&) -> std::vector<StorageCredential> { throw Error(ErrorCode::kUnavailable, "away"); });
  vended_.Learn(kTable, {{"s3://lake/t", Keys("k0", seconds(10))}});
  clock_.Pass(seconds(11));
  EXPECT_THROW(IdFor("s3://lake/t/x"), Error);
}

TEST_F(VendedCredentialsTest, RefusedOnesAreReplacedOnce) {
  int asked = 0;
  vended_.SetRefresh([&](const TableName&) -> std::vector<StorageCredential> {
    return {{"s3://lake/t", Keys("k" + std::to_string(++asked))}};
  });
  vended_.Learn(kTable, {{"s3://lake/t", Keys("k0")}});
  vended_.Refused("s3://lake/t/x", Keys("k0"));
  vended_.Refused("s3://lake/t/x", Keys("k0"));
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k1");
  vended_.Refused("s3://lake/t/x", Keys("k0"));  // of a request that was under way
  EXPECT_EQ(IdFor("s3://lake/t/x"), "k1");
  EXPECT_EQ(asked, 1);
}

TEST_F(VendedCredentialsTest, AnAnswerSaysThemPerPrefixOrForTheTable) {
  const auto document = schema::ParseJson(
      R"({"config": {"s3.access-key-id": "whole", "s3.secret-access-key": "s", "other": "x"},
          "storage-credentials": [
            {"prefix": "s3a://lake/t/data", "config": {"s3.access-key-id": "a", "s3.secret-access-key": "b",
             "s3.session-token": "c", "s3.session-token-expires-at-ms": "1700000000000"}},
            {"prefix": "gs://lake", "config": {"gcs.oauth2.token": "t"}}]})",
      "answer");
  const auto found = ParseStorageCredentials(schema::JsonObject(document, ""), "s3://lake/t");
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].prefix, "s3://lake/t/data");
  EXPECT_EQ(found[0].keys.session_token, "c");
  EXPECT_EQ(found[0].keys.expires, clock_.Now());
  EXPECT_EQ(found[1].prefix, "s3://lake/t");
  EXPECT_EQ(found[1].keys.access_key_id, "whole");
  const auto wrong = schema::ParseJson(
      R"({"storage-credentials": [{"prefix": "s3://x", "config": {"s3.access-key-id": "a", "s3.secret-access-key": "b",
          "s3.session-token-expires-at-ms": "soon"}}]})",
      "answer");
  EXPECT_THROW(ParseStorageCredentials(schema::JsonObject(wrong, ""), ""), Error);
}

}  // namespace
}  // namespace millrace::catalog
