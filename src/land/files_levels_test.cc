#include "land/files_levels.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace millrace::land {
namespace {

using testing::ElementsAre;
using testing::Optional;

std::vector<std::string> NamesOf(std::string_view path) {
  std::vector<std::string> names;
  for (const auto& level : FolderLevelsOf(path)) names.push_back(level.name + "|" + level.literal);
  return names;
}

TEST(FilesLevelsTest, LevelsAreNamedByWhatChangesInThem) {
  EXPECT_THAT(NamesOf("{ingested:%Y/%m/%d/%H}"), ElementsAre("year|", "month|", "day|", "hour|"));
  EXPECT_THAT(NamesOf("raw/Type={topic}/dt={event:%Y-%m-%d}"), ElementsAre("|raw", "type|Type=", "dt|dt="));
  EXPECT_THAT(NamesOf("{topic}/{field:a.b}/{event:%Y-%m-%d}/{event:%Y-%m-%d}/p{partition}"),
              ElementsAre("topic|", "partition_1|", "date|", "partition_3|", "partition_4|"));
  EXPECT_THAT(NamesOf(""), ElementsAre());
}

TEST(FilesLevelsTest, AFolderOfTheTemplateHasItsValues) {
  const auto levels = FolderLevelsOf("raw/type={topic}/{ingested:%Y/%m}");
  EXPECT_THAT(LevelValues(levels, "raw/type=a=b/2026/01/"), Optional(ElementsAre("a=b", "2026", "01")));
  EXPECT_EQ(LevelValues(levels, "other/type=a/2026/01"), std::nullopt);
  EXPECT_EQ(LevelValues(levels, "raw/kind=a/2026/01"), std::nullopt);
  EXPECT_EQ(LevelValues(levels, "raw/type=a/2026"), std::nullopt);
}

}  // namespace
}  // namespace millrace::land
