#include "io/local_object_store.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "contract/object_store_contract.h"
#include "io/hidden_file.h"

namespace millrace::io {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A folder that goes with the test.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "millrace-io-XXXXXX").native();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = name;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

class LocalFixture : public ObjectStoreFixture {
 public:
  ObjectStore& store() override { return *store_; }
  std::unique_ptr<ObjectStore> Reopen() override { return LocalObjectStore::Open(folder_.path() / "wh"); }

 private:
  TemporaryFolder folder_;
  std::unique_ptr<LocalObjectStore> store_ = LocalObjectStore::Open(folder_.path() / "wh");
};
INSTANTIATE_TYPED_TEST_SUITE_P(Local, ObjectStoreContract, LocalFixture);

Error Caught(const std::function<void()>& body) {
  try {
    body();
  } catch (const Error& error) {
    return error;
  }
  return Error(ErrorCode::kInternal, "nothing was thrown");
}

TEST(LocalObjectStore, NothingOutsideIsListed) {
  TemporaryFolder folder;
  fs::create_directories(folder.path() / "beside");
  std::ofstream(folder.path() / "beside/secret") << "1";
  const auto store = LocalObjectStore::Open(folder.path() / "wh");
  store->PutIfAbsent("t/file", "1");
  const auto open = store->OpenWriter("t/unfinished");
  const auto count = [&](const std::string& prefix) {
    int found = 0;
    store->List(prefix, "", [&](const ObjectInfo&) { return ++found > 0; });
    return found;
  };
  EXPECT_EQ(count("t/"), 1);
  EXPECT_EQ(count("t/fi"), 1);
  for (const std::string prefix : {"../beside/", "t/../../beside/", "//", "t/file/", "t/none/", ".millrace-tmp/"}) {
    EXPECT_EQ(count(prefix), 0) << prefix;
  }
  EXPECT_EQ(count((folder.path() / "beside/").native()), 0) << "an absolute path";
}

TEST(LocalObjectStore, UriIsThePathAsItIs) {
  TemporaryFolder folder;
  const auto store = LocalObjectStore::Open(folder.path() / "my lake/");
  const std::string root = folder.path().native() + "/my lake";
  EXPECT_EQ(store->UriOf("a=1%2F2/f"), "file://" + root + "/a=1%2F2/f");
  EXPECT_EQ(store->KeyOf("file:" + root + "/t/x"), "t/x");
  EXPECT_EQ(store->KeyOf(root + "/t/x"), "t/x");
  EXPECT_EQ(store->KeyOf("file://localhost" + root + "//t///x"), "t/x");
  EXPECT_EQ(store->KeyOf("file://" + folder.path().native() + "/my%20lake/t/x%2By"), "t/x+y");
  EXPECT_EQ(store->KeyOf("file://otherhost" + root + "/t"), std::nullopt);
  EXPECT_EQ(store->KeyOf("file://" + root + "/../secret"), std::nullopt);
  EXPECT_EQ(store->KeyOf("file://" + root + "/%2e%2e/secret"), "%2e%2e/secret") << "a literal name";
}

TEST(LocalObjectStore, RootThatUrisCannotNameIsRefused) {
  TemporaryFolder folder;
  const auto error = Caught([&] { LocalObjectStore::Open(folder.path() / "wh#1"); });
  EXPECT_EQ(error.code(), ErrorCode::kConfig);
}

TEST(LocalObjectStore, OpenSweepsTheDeadAndSparesTheLiving) {
  TemporaryFolder folder;
  const auto store = LocalObjectStore::Open(folder.path());
  auto living = store->OpenWriter("living");
  living->Write("alive");
  const pid_t child = ::fork();
  if (child == 0) {
    auto* abandoned = store->OpenWriter("dead").release();
    abandoned->Write(std::string(1'000'000, 'x'));
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  const auto hidden = folder.path() / kHiddenFolder;
  EXPECT_EQ(std::distance(fs::directory_iterator(hidden), {}), 2);
  LocalObjectStore::Open(folder.path());
  EXPECT_EQ(std::distance(fs::directory_iterator(hidden), {}), 1);
  EXPECT_EQ(std::move(*living).Finish(), PutOutcome::kCreated);
  EXPECT_EQ(store->Get("living"), "alive");
  EXPECT_EQ(std::distance(fs::directory_iterator(hidden), {}), 0);
}

TEST(LocalObjectStore, HiddenNamesAreNoKeys) {
  TemporaryFolder folder;
  const auto store = LocalObjectStore::Open(folder.path());
  EXPECT_EQ(Caught([&] { store->PutIfAbsent(std::string(kHiddenFolder) + "/x", "1"); }).code(), ErrorCode::kConfig);
  EXPECT_EQ(store->KeyOf("file://" + folder.path().native() + "/" + std::string(kHiddenFolder) + "/x"), std::nullopt);
}

/// Runs `body` in a child that is not root (permissions bind) and returns the message it ends with.
std::string MessageOfPlainUser(const std::function<void()>& body) {
  int ends[2];
  if (::pipe(ends) != 0) return "pipe";
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && ::setuid(65534) != 0) ::_exit(1);
    const auto error = Caught(body);
    const std::string text = std::string(ToString(error.code())) + ": " + error.what();
    [[maybe_unused]] const auto written = ::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  const auto got = ::read(ends[0], text.data(), text.size());
  text.resize(got > 0 ? static_cast<size_t>(got) : 0);
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

TEST(LocalObjectStore, FolderWithoutPermissionSaysTheMend) {
  TemporaryFolder folder;
  ::chmod(folder.path().c_str(), 0755);
  fs::create_directory(folder.path() / "closed");
  ::chmod((folder.path() / "closed").c_str(), 0555);
  const auto message = MessageOfPlainUser([&] {
    const auto store = LocalObjectStore::Open(folder.path() / "closed");
    store->PutIfAbsent("k", "v");
  });
  EXPECT_THAT(message, HasSubstr("stop: no permission to create the folder"));
  EXPECT_THAT(message, HasSubstr("chmod"));
}

TEST(LocalObjectStore, FileInTheWayOfAFolderIsNamed) {
  TemporaryFolder folder;
  const auto store = LocalObjectStore::Open(folder.path());
  store->PutIfAbsent("a", "file");
  const auto error = Caught([&] { store->PutIfAbsent("a/b", "below"); });
  EXPECT_EQ(error.code(), ErrorCode::kStop);
  EXPECT_THAT(error.what(), HasSubstr("is a file, not a folder"));
  EXPECT_EQ(store->Get("a"), "file");
}

/// /dev/full answers every write with ENOSPC; a file of that device stands in for a full disk.
TEST(LocalObjectStore, FullDiskSaysTheMend) {
  const auto full = FileDescriptor::Open("/dev/full", O_WRONLY);
  ASSERT_TRUE(full.is_open());
  const auto error = Caught([&] { WriteAll(full, "x", "/lake/x"); });
  EXPECT_EQ(error.code(), ErrorCode::kStop);
  EXPECT_STREQ(error.what(),
               "the disk that holds /lake/x is full: free space, then run again; nothing that was confirmed is lost");
}

TEST(LocalObjectStore, UnsyncedFilesAreThereAndSyncedLater) {
  TemporaryFolder folder;
  const auto store = LocalObjectStore::Open(folder.path());
  EXPECT_EQ(store->PutUnsynced("t/a", "one"), PutOutcome::kCreated);
  EXPECT_EQ(store->PutUnsynced("t/a", "two"), PutOutcome::kExists);
  EXPECT_EQ(store->PutUnsynced("u/b", ""), PutOutcome::kCreated);
  EXPECT_EQ(store->Get("t/a"), "one");
  EXPECT_THAT(store->Sync({"t/a", "t/gone", "u/b", "no/folder"}), testing::ElementsAre("t/gone", "no/folder"));
  store->Replace("t/a", "three");
  store->Replace("new/c", "four");
  EXPECT_EQ(store->Get("t/a"), "three");
  EXPECT_EQ(store->Get("new/c"), "four");
  std::vector<std::string> keys;
  for (int i = 0; i < 300; ++i) {  // more than are open at a time
    keys.push_back("many/" + std::to_string(i));
    store->PutUnsynced(keys.back(), keys.back());
  }
  EXPECT_THAT(store->Sync(keys), testing::IsEmpty());
  EXPECT_THAT([&] { store->PutUnsynced("../x", ""); }, testing::Throws<Error>());
  EXPECT_TRUE(fs::is_empty(folder.path() / ".millrace-tmp"));
}

TEST(LocalObjectStore, SeesWhatOthersWrote) {
  TemporaryFolder folder;
  const auto store = LocalObjectStore::Open(folder.path());
  fs::create_directories(folder.path() / "t" / "metadata");
  std::ofstream(folder.path() / "t" / "metadata" / "v1.json") << "{}";
  EXPECT_EQ(store->Get("t/metadata/v1.json"), "{}");
  EXPECT_EQ(store->PutIfAbsent("t/metadata/v1.json", "other"), PutOutcome::kExists);
}

}  // namespace
}  // namespace millrace::io
