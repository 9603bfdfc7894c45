#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>

#include "base/fault.h"
#include "io/hidden_file.h"
#include "io/local_object_store.h"

namespace millrace::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolderVariable = "MILLRACE_TEST_CRASH_FOLDER";
const std::vector<std::string> kKeys = {"a/b/1", "a/b/2", "c"};

std::string Content(const std::string& key) { return key + std::string(600'000, '.'); }

/// What the crashed process does: this program again, with this test alone and a fault in its environment.
TEST(CrashVictim, WritesObjects) {
  const char* folder = std::getenv(kFolderVariable);
  if (folder == nullptr) GTEST_SKIP() << "run by LocalObjectStoreCrash";
  const auto store = LocalObjectStore::Open(folder);
  for (const auto& key : kKeys) {
    auto writer = store->OpenWriter(key);
    writer->Write(Content(key).substr(0, 400'000));
    writer->Write(Content(key).substr(400'000));
    std::move(*writer).Finish();
  }
}

/// The status with which the victim ended.
int RunVictim(const fs::path& folder, const std::string& fault) {
  const auto command = std::string(kFolderVariable) + "=" + folder.native() + " MILLRACE_FAULT=" + fault + " " +
                       fs::read_symlink("/proc/self/exe").native() + " --gtest_filter=CrashVictim.* > /dev/null";
  return WEXITSTATUS(std::system(command.c_str()));
}

void ExpectWholeOrAbsent(const fs::path& folder, const std::string& fault) {
  const auto store = LocalObjectStore::Open(folder);
  EXPECT_TRUE(!fs::exists(folder / kHiddenFolder) || fs::is_empty(folder / kHiddenFolder)) << fault;
  store->List("", "", [&](const ObjectInfo& info) {
    EXPECT_EQ(store->Get(info.key), Content(info.key)) << fault;
    return true;
  });
  for (const auto& key : kKeys) {
    store->PutIfAbsent(key, Content(key));
    EXPECT_EQ(store->Get(key), Content(key)) << fault;
  }
}

TEST(LocalObjectStoreCrash, AtEveryPointObjectsAreWholeOrAbsent) {
  for (const std::string point : {"io.local.write", "io.local.fsync", "io.local.link", "io.local.dirsync"}) {
    int status = kFaultExitStatus;
    int pass = 0;
    while (status == kFaultExitStatus) {
      std::string folder = (fs::temp_directory_path() / "millrace-crash-XXXXXX").native();
      ASSERT_NE(::mkdtemp(folder.data()), nullptr);
      const auto fault = point + ":" + std::to_string(++pass);
      status = RunVictim(folder, fault);
      ExpectWholeOrAbsent(folder, fault);
      fs::remove_all(folder);
    }
    EXPECT_EQ(status, 0) << point;
    EXPECT_GT(pass, 6) << point << " is passed before and after the act, for each object";
  }
}

}  // namespace
}  // namespace millrace::io
