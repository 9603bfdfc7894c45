#include "catalog/sql/metadata_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/fault.h"
#include "catalog/sql/sql_catalog.h"
#include "contract/catalog_contract.h"
#include "fault/power_cut_store.h"
#include "io/local_object_store.h"
#include "judge/python.h"

namespace millrace::catalog {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::chrono::hours kNever{1000};

/// The owner is what pyiceberg, as a judge, prints of a table's properties.
TableCommit SetOwner(const TableName& name, const std::string& owner) {
  return {.name = name, .requirements = {}, .updates = {table::SetProperties{{{"owner", owner}}}}};
}

bool Committing(CommitResult result) { return std::holds_alternative<Committed>(result); }

class Folder {
 public:
  SqlCatalogOptions Options(std::chrono::milliseconds pause = kNever) const {
    return {.file = file(), .unsynced = store_.get(), .settle_pause = pause};
  }
  std::filesystem::path file() const { return folder_.path() / "catalog.db"; }
  io::LocalObjectStore& store() { return *store_; }
  std::filesystem::path PathOf(const LoadedTable& table) {
    return store_->root() / *store_->KeyOf(table.metadata_location);
  }
  std::vector<MetadataRow> Kept() const { return SqlTables(file(), "millrace", std::chrono::seconds(30)).KeptFiles(); }
  /// What pyiceberg finds.
  std::string Judged() const {
    return judge::Python("catalogs.py", "show " + file().string() + " " + store_->root().string());
  }

 private:
  judge::Folder folder_;
  std::unique_ptr<io::LocalObjectStore> store_ = io::LocalObjectStore::Open(folder_.path() / "warehouse");
};

const TableName kName{"silver", "users"};

LoadedTable CommittedBeside(SqlCatalog& catalog, const TableCommit& commit) {
  return std::get<Committed>(catalog.CommitBeside(commit)).table;
}

TEST(MetadataLogTest, WhateverBecameOfAFileItIsThereOnceTheCatalogueIsOpened) {
  Folder folder;
  SqlCatalog living(folder.Options(), folder.store());  // settles nothing while the test runs
  ASSERT_TRUE(Committing(living.Create(ExampleTable(kName))));
  int number = 0;
  const auto damaged = [&](const auto& damage) {
    const std::string owner = "owner" + std::to_string(++number);
    const auto file = folder.PathOf(CommittedBeside(living, SetOwner(kName, owner)));
    const std::string whole = judge::Slurp(file);
    damage(file);
    ASSERT_NE(judge::Slurp(file), whole);
    // Who only looks mends too, and leaves the log as it is.
    auto options = folder.Options();
    options.settles = number % 2 == 0;
    SqlCatalog opened(options, folder.store());
    EXPECT_EQ(opened.Load(kName)->metadata->properties.at("owner"), owner);
    EXPECT_EQ(judge::Slurp(file), whole);
  };
  damaged([](const auto& file) { std::filesystem::remove(file); });
  damaged([](const auto& file) { std::filesystem::resize_file(file, 0); });
  damaged([](const auto& file) { std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2); });
  damaged([](const auto& file) {
    const auto size = std::filesystem::file_size(file);
    std::filesystem::resize_file(file, 0);
    std::filesystem::resize_file(file, size);
  });
  EXPECT_THAT(folder.Judged(), HasSubstr("|owner4|"));
}

TEST(MetadataLogTest, WhatIsSettledIsInTheCatalogueNoMore) {
  Folder folder;
  {
    SqlCatalog catalog(folder.Options(), folder.store());
    ASSERT_TRUE(Committing(catalog.Create(ExampleTable(kName))));
    CommittedBeside(catalog, SetOwner(kName, "one"));
    // A commit of our own waits for its file, and for none of the others.
    ASSERT_TRUE(Committing(catalog.Commit(kName, {}, {table::SetProperties{{{"own", "1"}}}})));
    EXPECT_EQ(folder.Kept().size(), 1U);
    CommittedBeside(catalog, SetOwner(kName, "two"));
    EXPECT_EQ(folder.Kept().size(), 2U);
  }
  EXPECT_THAT(folder.Kept(), IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(folder.file().string() + "-wal"));
  EXPECT_EQ(judge::Slurp(folder.file()).substr(18, 2), "\x01\x01") << "the file is no single one again";
  SqlCatalog catalog(folder.Options(std::chrono::milliseconds(1)), folder.store());
  CommittedBeside(catalog, SetOwner(kName, "three"));
  for (int tries = 0; !folder.Kept().empty() && tries < 3000; ++tries) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_THAT(folder.Kept(), IsEmpty());
  EXPECT_THAT(folder.Judged(), HasSubstr("|three|"));
}

TEST(MetadataLogTest, ACrashLeavesTheLogToTheNextWhoWrites) {
  Folder folder;
  auto* killed = new SqlCatalog(folder.Options(), folder.store());  // never destroyed, as if it had been killed
  ASSERT_TRUE(Committing(killed->Create(ExampleTable(kName))));
  CommittedBeside(*killed, SetOwner(kName, "one"));
  auto options = folder.Options();
  options.settles = false;
  SqlCatalog(options, folder.store());
  EXPECT_EQ(folder.Kept().size(), 1U);
  SqlCatalog(folder.Options(), folder.store());
  EXPECT_THAT(folder.Kept(), IsEmpty());
}

TEST(MetadataLogTest, WhatExpiresOrIsDroppedDoesNotComeBack) {
  Folder folder;
  SqlCatalog catalog(folder.Options(), folder.store());
  auto request = ExampleTable(kName);
  request.properties["write.metadata.delete-after-commit.enabled"] = "true";
  request.properties["write.metadata.previous-versions-max"] = "2";
  ASSERT_TRUE(Committing(catalog.Create(request)));
  for (int i = 0; i < 6; ++i) CommittedBeside(catalog, SetOwner(kName, std::to_string(i)));
  EXPECT_EQ(folder.Kept().size(), 3U);
  const auto files = [&] {
    size_t count = 0;
    folder.store().List("silver/", "", [&](const io::ObjectInfo&) { return ++count > 0; });
    return count;
  };
  EXPECT_EQ(files(), 3U);
  SqlCatalog(folder.Options(), folder.store());
  EXPECT_EQ(files(), 3U);
  CommittedBeside(catalog, SetOwner(kName, "last"));
  ASSERT_TRUE(catalog.Drop(kName));
  EXPECT_THAT(folder.Kept(), IsEmpty());
}

TEST(MetadataLogTest, LargeFilesAreDurableBeforeTheirCommit) {
  Folder folder;
  SqlCatalog catalog(folder.Options(), folder.store());
  ASSERT_TRUE(Committing(catalog.Create(ExampleTable(kName))));
  Random random(1);
  std::string noise;
  while (noise.size() < (800 << 10)) noise += random.Uuid();
  CommittedBeside(catalog, SetOwner(kName, noise));
  EXPECT_THAT(folder.Kept(), IsEmpty());
  CommittedBeside(catalog, SetOwner(kName, std::string(800 << 10, 'x')));  // one that packs well is kept
  EXPECT_EQ(folder.Kept().size(), 1U);
}

/// Files whose sync fails, as those of a disk that does.
class SyncFails final : public io::UnsyncedFiles {
 public:
  explicit SyncFails(io::UnsyncedFiles& files) : files_(files) {}
  io::PutOutcome PutUnsynced(const std::string& key, std::string_view bytes) override {
    return files_.PutUnsynced(key, bytes);
  }
  std::vector<std::string> Sync(const std::vector<std::string>&) override {
    throw Error(ErrorCode::kStop, "the disk failed");
  }
  void Replace(const std::string& key, std::string_view bytes) override {
    ++replaced;
    files_.Replace(key, bytes);
  }
  int replaced = 0;

 private:
  io::UnsyncedFiles& files_;
};

TEST(MetadataLogTest, AFileThatCouldNotBeSyncedIsWrittenAnew) {
  Folder folder;
  SyncFails files(folder.store());
  {
    auto options = folder.Options();
    options.unsynced = &files;
    SqlCatalog catalog(options, folder.store());
    ASSERT_TRUE(Committing(catalog.Create(ExampleTable(kName))));
    CommittedBeside(catalog, SetOwner(kName, "one"));
    CommittedBeside(catalog, SetOwner(kName, "two"));
  }
  EXPECT_EQ(files.replaced, 2);
  EXPECT_THAT(folder.Kept(), IsEmpty());
  EXPECT_THAT(folder.Judged(), HasSubstr("|two|"));
}

/// What this object committed last is no more than a guess: others commit to the same file.
TEST(MetadataLogTest, CommitsOfOthersInBetweenAreSeen) {
  Folder folder;
  SqlCatalog one(folder.Options(), folder.store());
  SqlCatalog other(folder.Options(), folder.store());
  ASSERT_TRUE(Committing(one.Create(ExampleTable(kName))));
  const auto uuid = one.Load(kName)->metadata->table_uuid;
  for (int i = 0; i < 3; ++i) {
    const std::string round = std::to_string(i);
    CommittedBeside(one, {kName, {table::AssertTableUuid{uuid}}, {table::SetProperties{{{"one" + round, "v"}}}}});
    CommittedBeside(other, {kName, {table::AssertTableUuid{uuid}}, {table::SetProperties{{{"other" + round, "v"}}}}});
  }
  EXPECT_EQ(one.Load(kName)->metadata->properties.size(), 8U);  // with the owner and the name mapping
  ASSERT_TRUE(other.Drop(kName));
  EXPECT_TRUE(std::holds_alternative<Conflict>(one.CommitBeside(SetOwner(kName, "nobody"))));
  ASSERT_TRUE(Committing(other.Create(ExampleTable(kName))));
  EXPECT_TRUE(std::holds_alternative<Conflict>(
      one.CommitBeside({kName, {table::AssertTableUuid{uuid}}, {table::SetProperties{{{"owner", "old"}}}}})));
  EXPECT_EQ(CommittedBeside(one, SetOwner(kName, "new")).metadata->properties.at("owner"), "new");
}

// ---- The power goes

constexpr int kTables = 3;
constexpr int kRounds = 12;

TableName NameOf(int table) { return {"silver", "t" + std::to_string(table)}; }

int64_t Setting(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : std::atoll(text);
}

int OwnerOf(SqlCatalog& catalog, int table) {
  const auto loaded = catalog.Load(NameOf(table));
  if (!loaded) return -1;
  const auto& owner = loaded->metadata->properties.at("owner");
  return owner == "tests" ? -1 : std::stoi(owner);
}

/// One of three who commit at once, each to a table of its own. Notes what returned.
void CommitRounds(SqlCatalog& catalog, const std::string& folder, int table) {
  std::ofstream acknowledged(folder + "/acknowledged" + std::to_string(table), std::ios::app);
  if (!catalog.Load(NameOf(table))) {
    auto request = ExampleTable(NameOf(table));
    request.properties["write.metadata.previous-versions-max"] = "3";
    request.properties["write.metadata.delete-after-commit.enabled"] = table == 0 ? "true" : "false";
    catalog.Create(request);
  }
  for (int i = OwnerOf(catalog, table) + 1; i < kRounds; ++i) {
    const auto commit = SetOwner(NameOf(table), std::to_string(i));
    // Some wait for their own file.
    const bool landed = i % 5 == 4 ? Committing(catalog.Commit(commit.name, commit.requirements, commit.updates))
                                   : Committing(catalog.CommitBeside(commit));
    if (!landed) ::_exit(71);
    acknowledged << i << std::endl;
  }
}

/// No test: what the one below runs in processes of its own.
TEST(MetadataLogChild, DISABLED_Workload) {
  const std::string folder = std::getenv("CATALOG_FOLDER");
  const auto files = io::LocalObjectStore::Open(folder + "/warehouse");
  fault::PowerCutStore store(*files);
  const bool cut = Setting("CATALOG_CUT_AT") > 0;
  if (cut) {
    fault::PowerCutDisk::Get().Install({.cut_at = Setting("CATALOG_CUT_AT"),
                                        .seed = static_cast<uint64_t>(Setting("CATALOG_CUT_AT")) * 37,
                                        .at_cut = [&](Random& random) { store.Cut(random); }});
  }
  {
    SqlCatalog catalog({.file = folder + "/catalog.db",
                        .unsynced = &store,
                        .settle_pause = std::chrono::milliseconds(Setting("CATALOG_PAUSE")),
                        .vfs = cut ? fault::kPowerCutVfs : ""},
                       store);
    std::vector<std::jthread> committers;
    for (int table = 0; table < kTables; ++table) {
      committers.emplace_back([&, table] { CommitRounds(catalog, folder, table); });
    }
  }
  ::_exit(0);
}

int RunChild(const std::string& folder, const std::string& settings) {
  const std::string command = "CATALOG_FOLDER=" + folder + " " + settings + " " +
                              std::filesystem::read_symlink("/proc/self/exe").string() +
                              " --gtest_also_run_disabled_tests --gtest_filter=MetadataLogChild.DISABLED_Workload "
                              ">/dev/null 2>" +
                              folder + "/err";
  const int status = std::system(command.c_str());
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/// Files that the catalogue points to and that are not whole, before anybody mends them.
int Damaged(const std::string& folder, io::LocalObjectStore& store) {
  int damaged = 0;
  SqlTables tables(folder + "/catalog.db", "millrace", std::chrono::seconds(30));
  for (int table = 0; table < kTables; ++table) {
    const auto location = tables.FindLocation(NameOf(table));
    const auto text = location ? store.Get(*store.KeyOf(*location)) : "}";
    damaged += text && text->ends_with('}') ? 0 : 1;
  }
  return damaged;
}

/// Everything that returned is there, and every version that a table still names can be read.
void CheckCatalogue(const std::string& folder, io::LocalObjectStore& store) {
  SqlCatalog catalog({.file = folder + "/catalog.db", .unsynced = &store}, store);
  for (int table = 0; table < kTables; ++table) {
    std::ifstream in(folder + "/acknowledged" + std::to_string(table));
    int last = -1;
    for (int i = 0; in >> i;) last = i;
    EXPECT_GE(OwnerOf(catalog, table), last) << "table " << table;
    const auto loaded = catalog.Load(NameOf(table));
    if (!loaded) continue;
    for (const auto& entry : loaded->metadata->metadata_log) {
      EXPECT_THAT(store.Get(*store.KeyOf(entry.metadata_file)).value_or(""), testing::EndsWith("}"))
          << entry.metadata_file;
    }
  }
}

TEST(MetadataLogTest, APowerCutAtAnyWriteLosesNoFileThatTheCatalogueNames) {
  const judge::Folder parent;
  int cuts = 0;
  int damaged = 0;
  bool through = false;
  for (int64_t at = 1; !through; at += at < 24 ? 3 : 23) {
    const auto folder = parent.File(std::to_string(at));
    std::filesystem::create_directories(folder);
    const int status =
        RunChild(folder, "CATALOG_PAUSE=" + std::to_string(at % 2 * 3) + " CATALOG_CUT_AT=" + std::to_string(at));
    through = status == 0;
    ASSERT_TRUE(through || status == fault::kPowerCutStatus) << at << " " << status << judge::Slurp(folder + "/err");
    cuts += through ? 0 : 1;
    const auto store = io::LocalObjectStore::Open(folder + "/warehouse");
    damaged += Damaged(folder, *store);
    CheckCatalogue(folder, *store);
    if (testing::Test::HasFailure()) FAIL() << "cut at " << at;
    if (cuts % 10 != 0) continue;
    ASSERT_EQ(RunChild(folder, ""), 0) << judge::Slurp(folder + "/err");
    CheckCatalogue(folder, *store);
    EXPECT_THAT(judge::Python("catalogs.py", "show " + folder + "/catalog.db " + folder + "/warehouse"),
                HasSubstr("|" + std::to_string(kRounds - 1) + "|"));
  }
  EXPECT_GT(cuts, 15);
  EXPECT_GT(damaged, 3) << "the cuts took nothing that had to be mended";
}

/// Also where the recovery itself is cut off.
TEST(MetadataLogTest, ACrashAtEveryPointOfTheLogLosesNothing) {
  const judge::Folder parent;
  for (const char* point :
       {"catalog.settle.before", "catalog.settle.after", "catalog.commit.before", "catalog.commit.after"}) {
    const auto folder = parent.File(point);
    std::filesystem::create_directories(folder);
    ASSERT_EQ(RunChild(folder, "MILLRACE_FAULT=" + std::string(point) + ":2"), kFaultExitStatus) << point;
    const auto store = io::LocalObjectStore::Open(folder + "/warehouse");
    // As if the power had gone: what is kept is gone as a file.
    for (const auto& row : SqlTables(folder + "/catalog.db", "millrace", std::chrono::seconds(30)).KeptFiles()) {
      store->Delete(*store->KeyOf(row.location));
    }
    for (const char* again : {"catalog.restore.before:1", "catalog.restore.after:1"}) {
      const int status = RunChild(folder, "MILLRACE_FAULT=" + std::string(again));
      ASSERT_TRUE(status == kFaultExitStatus || status == 0) << point << " " << again;
    }
    CheckCatalogue(folder, *store);
    ASSERT_EQ(RunChild(folder, ""), 0) << judge::Slurp(folder + "/err");
    CheckCatalogue(folder, *store);
  }
}

}  // namespace
}  // namespace millrace::catalog
