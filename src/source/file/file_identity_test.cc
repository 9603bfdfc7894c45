#include "source/file/file_identity.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace millrace::source {
namespace {

// The texts are in tables of people: these literals never change.
TEST(FileIdentity, SplitsAreWrittenAsTheyWere) {
  const FileSplit split{1024, 0x00ab, 1, "/logs/a:b.jsonl"};
  EXPECT_EQ(Print(split).value(), "file:1024-00000000000000ab:/logs/a:b.jsonl");
  EXPECT_EQ(ParseFileSplit(Print(split)), split);
  const FileSplit again{1024, 0xffffffffffffffff, 12, "/x"};
  EXPECT_EQ(Print(again).value(), "file:1024-ffffffffffffffff.12:/x");
  EXPECT_EQ(ParseFileSplit(Print(again)), again);
}

TEST(FileIdentity, CursorsAreWrittenAsTheyWere) {
  const FileCursor cursor{4096, 0xab, std::nullopt};
  EXPECT_EQ(Print(cursor).value(), "4096-00000000000000ab");
  EXPECT_EQ(ParseFileCursor(Print(cursor)), cursor);
  const FileCursor cut{0, HashOf(""), 77};
  EXPECT_EQ(Print(cut).value(), "0-2d06800538d394c2-cut77");
  EXPECT_EQ(ParseFileCursor(Print(cut)), cut);
  EXPECT_EQ(Print(FileCursor{0, HashOf(""), std::nullopt}), event::kStart);
  EXPECT_EQ(ParseFileCursor(event::kStart).offset, 0);
}

/// XXH3_64bits of nothing with seed 0, from the xxHash project's own sanity checks.
TEST(FileIdentity, HashIsXxh3) { EXPECT_EQ(HashOf(""), 0x2D06800538D394C2u); }

TEST(FileIdentity, WhatIsNotOursStops) {
  EXPECT_EQ(ParseFileSplit(event::SplitId("topic:abc/0")), std::nullopt);
  for (const auto* text : {"file:", "file:12", "file:12-ab", "file:x-ab:/p", "file:12-ab.:/p"}) {
    EXPECT_THROW(ParseFileSplit(event::SplitId(text)), Error) << text;
  }
  for (const auto* text : {"12", "12-", "-5-ab", "12-ab-", "12-ab-cut", "12-abx", "12-ab-cut7x"}) {
    EXPECT_THROW(ParseFileCursor(event::Cursor(text)), Error) << text;
  }
}

}  // namespace
}  // namespace millrace::source
