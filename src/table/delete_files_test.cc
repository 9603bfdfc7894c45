#include "table/delete_files.h"

#include <gmock/gmock.h>

#include "table/live_files.h"
#include "table/test_table.h"

namespace millrace::table {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Which of the delete files apply, by name.
class DeleteFilesTest : public ::testing::Test {
 protected:
  static DatedFile Deletes(const std::string& name, FileContent content, int64_t sequence, int partition = 1) {
    DatedFile deletes{.file = TestTable::Phantom(partition), .sequence = SequenceNumber(sequence)};
    deletes.file.file_path = name;
    deletes.file.content = content;
    return deletes;
  }
  std::vector<std::string> For(int number, int64_t sequence) {
    std::vector<std::string> names;
    for (const auto* one : deletes_.For(TestTable::Phantom(number), SequenceNumber(sequence))) {
      names.push_back(one->file.file_path);
    }
    return names;
  }

  TestTable table_;
  DeleteFiles deletes_{table_.metadata()};
};

TEST_F(DeleteFilesTest, PositionDeletesReachTheirOwnSequenceAndEqualityDeletesOnlyOlderOnes) {
  deletes_.Add(Deletes("position", FileContent::kPositionDeletes, 5));
  deletes_.Add(Deletes("equality", FileContent::kEqualityDeletes, 5));
  EXPECT_THAT(For(1, 4), ElementsAre("position", "equality"));
  EXPECT_THAT(For(1, 5), ElementsAre("position"));
  EXPECT_THAT(For(1, 6), IsEmpty());
}

TEST_F(DeleteFilesTest, DeletesStayInTheirPartitionButForEqualityDeletesOfAnUnpartitionedSpec) {
  table_.metadata().partition_specs.push_back({.spec_id = 7, .fields = {}});
  deletes_.Add(Deletes("elsewhere", FileContent::kEqualityDeletes, 5, 2));
  for (const auto content : {FileContent::kEqualityDeletes, FileContent::kPositionDeletes}) {
    auto global = Deletes(content == FileContent::kEqualityDeletes ? "global" : "of no partition", content, 5);
    global.file.spec_id = 7;
    global.file.partition.clear();
    deletes_.Add(std::move(global));
  }
  EXPECT_THAT(For(1, 4), ElementsAre("global"));
  EXPECT_THAT(For(2, 4), ElementsAre("elsewhere", "global"));
}

TEST_F(DeleteFilesTest, PositionDeletesOfOneFileOrARangeOfPathsReachNoOther) {
  const auto path = [](int number) { return TestTable::Phantom(number).file_path; };
  auto stated = Deletes("stated", FileContent::kPositionDeletes, 5);
  stated.file.referenced_data_file = path(1);
  EXPECT_EQ(DataFileOf(stated.file), path(1));
  deletes_.Add(stated);
  auto bounded = Deletes("bounded", FileContent::kPositionDeletes, 5);
  bounded.file.lower_bounds[kDeletedPathField] = bounded.file.upper_bounds[kDeletedPathField] = path(31);
  EXPECT_EQ(DataFileOf(bounded.file), path(31));
  deletes_.Add(bounded);
  auto ranged = Deletes("ranged", FileContent::kPositionDeletes, 5);
  ranged.file.lower_bounds[kDeletedPathField] = path(1);
  ranged.file.upper_bounds[kDeletedPathField] = path(31);
  EXPECT_EQ(DataFileOf(ranged.file), std::nullopt);
  deletes_.Add(ranged);
  // Phantoms 1, 31 and 61 share a partition.
  EXPECT_THAT(For(1, 5), ElementsAre("stated", "ranged"));
  EXPECT_THAT(For(31, 5), ElementsAre("bounded", "ranged"));
  EXPECT_THAT(For(61, 5), IsEmpty());
}

TEST_F(DeleteFilesTest, AnAppendThatAlsoDeletesIsNoIncrement) {
  const auto first = table_.Append({TestTable::Phantom(1)});
  DataFile deletes = TestTable::Phantom(2);
  deletes.content = FileContent::kPositionDeletes;
  const auto second = table_.Append({TestTable::Phantom(3), deletes});
  const auto increment = FilesAddedBetween(table_.store(), table_.metadata(), first, second);
  ASSERT_TRUE(std::holds_alternative<NotAppendOnly>(increment));
  EXPECT_EQ(std::get<NotAppendOnly>(increment).snapshot_id, second);
}

}  // namespace
}  // namespace millrace::table
