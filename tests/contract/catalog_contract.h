#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "catalog/catalog.h"
#include "schema/name_mapping.h"
#include "table/partition.h"

/// What every Catalog does. In the test file of an implementation: derive from CatalogFixture, then
/// INSTANTIATE_TYPED_TEST_SUITE_P(Name, CatalogContract, MyFixture).
namespace millrace::catalog {

/// `catalog()` is empty; another handle of the same catalogue comes from `Reopen()`.
class CatalogFixture {
 public:
  virtual ~CatalogFixture() = default;
  virtual Catalog& catalog() = 0;
  virtual std::unique_ptr<Catalog> Reopen() = 0;
  /// A sentence when what it needs is not on this machine; its tests are then skipped.
  virtual std::string Lacks() const { return {}; }
  /// Whether "silver.eu" is a namespace; where not, it is refused.
  virtual bool HasLevels() const { return true; }
};

/// id, at, device.os; partitioned by day(at), sorted by id.
inline CreateTable ExampleTable(const TableName& name) {
  schema::Schema schema;
  schema.fields.push_back({.name = "id", .type = schema::ParseType("long"), .required = true});
  schema.fields.push_back({.name = "at", .type = schema::ParseType("timestamptz")});
  schema.fields.push_back({.name = "device", .type = schema::ParseType("struct<os: string>")});
  schema::AssignIds(schema, 0);
  return {.name = name,
          .schema = schema,
          .spec = table::ParsePartitionSpec({"day(at)"}, schema),
          .sort_order = table::ParseSortOrder({"id"}, schema),
          .properties = {{"owner", "tests"}},
          .location = ""};
}

template <typename Fixture>
class CatalogContract : public testing::Test {
 protected:
  void SetUp() override {
    const auto lacks = fixture_.Lacks();
    if (!lacks.empty()) GTEST_SKIP() << lacks;
  }
  Catalog& catalog() { return fixture_.catalog(); }

  LoadedTable Make(const TableName& name) {
    const auto result = catalog().Create(ExampleTable(name));
    if (!std::holds_alternative<Committed>(result)) throw Error(ErrorCode::kInternal, "the table was not created");
    return std::get<Committed>(result).table;
  }

  CommitResult SetProperty(const LoadedTable& base, const std::string& key, const std::string& value) {
    return catalog().Commit(base.name, {table::AssertTableUuid{base.metadata->table_uuid}},
                            {table::SetProperties{{{key, value}}}});
  }

  const TableName name_{"silver", "users"};
  Fixture fixture_;
};
TYPED_TEST_SUITE_P(CatalogContract);

TYPED_TEST_P(CatalogContract, CreateThenLoad) {
  this->catalog().EnsureNamespace("silver");
  const LoadedTable made = this->Make(this->name_);
  const auto reopened = this->fixture_.Reopen();
  for (Catalog* catalog : {&this->catalog(), reopened.get()}) {
    const auto loaded = catalog->Load(this->name_);
    ASSERT_TRUE(loaded);
    EXPECT_EQ(loaded->metadata_location, made.metadata_location);
    const table::TableMetadata& metadata = *loaded->metadata;
    EXPECT_FALSE(metadata.table_uuid.empty());
    EXPECT_EQ(metadata.last_column_id, 4);
    EXPECT_EQ(metadata.schema().PathOf(schema::FieldId(4)), "device.os");
    EXPECT_EQ(metadata.spec().fields.at(0).name, "at_day");
    EXPECT_EQ(metadata.default_sort_order_id, 1);
    EXPECT_EQ(metadata.properties.at("owner"), "tests");
    EXPECT_EQ(metadata.current_snapshot(), nullptr);
  }
}

TYPED_TEST_P(CatalogContract, TablesHaveUuidsOfTheirOwn) {
  EXPECT_NE(this->Make({"a", "x"}).metadata->table_uuid, this->Make({"a", "y"}).metadata->table_uuid);
}

TYPED_TEST_P(CatalogContract, WhatExistsIsNotCreatedAgain) {
  const LoadedTable made = this->Make(this->name_);
  EXPECT_TRUE(std::holds_alternative<Conflict>(this->catalog().Create(ExampleTable(this->name_))));
  EXPECT_EQ(this->catalog().Load(this->name_)->metadata_location, made.metadata_location);
}

TYPED_TEST_P(CatalogContract, ACommitIsSeenByEveryone) {
  const LoadedTable made = this->Make(this->name_);
  const auto result = this->SetProperty(made, "k", "v");
  ASSERT_TRUE(std::holds_alternative<Committed>(result));
  const auto loaded = this->fixture_.Reopen()->Load(this->name_);
  EXPECT_EQ(loaded->metadata->properties.at("k"), "v");
  EXPECT_EQ(loaded->metadata_location, std::get<Committed>(result).table.metadata_location);
  EXPECT_EQ(loaded->metadata->table_uuid, made.metadata->table_uuid);
}

TYPED_TEST_P(CatalogContract, ARequirementThatDoesNotHoldIsAConflictThatChangesNothing) {
  const LoadedTable made = this->Make(this->name_);
  const auto result = this->catalog().Commit(this->name_, {table::AssertRefSnapshotId{"main", table::SnapshotId(7)}},
                                             {table::SetProperties{{{"k", "v"}}}});
  ASSERT_TRUE(std::holds_alternative<Conflict>(result));
  EXPECT_THAT(std::get<Conflict>(result).why, testing::Not(testing::IsEmpty()));
  EXPECT_EQ(this->catalog().Load(this->name_)->metadata_location, made.metadata_location);
}

TYPED_TEST_P(CatalogContract, AnUnknownTableIsNothing) {
  EXPECT_EQ(this->catalog().Load({"silver", "none"}), std::nullopt);
  EXPECT_TRUE(std::holds_alternative<Conflict>(
      this->catalog().Commit({"silver", "none"}, {}, {table::SetProperties{{{"k", "v"}}}})));
  EXPECT_FALSE(this->catalog().Drop({"silver", "none"}));
  EXPECT_THROW(this->catalog().Rename({"silver", "none"}, {"silver", "some"}), Error);
}

TYPED_TEST_P(CatalogContract, ListsNamespacesAndTables) {
  this->catalog().EnsureNamespace("empty");
  this->catalog().EnsureNamespace("empty");
  this->Make({"silver", "b"});
  this->Make({"silver", "a"});
  if (this->fixture_.HasLevels()) {
    this->Make({"silver.eu", "c"});
    EXPECT_THAT(this->catalog().ListNamespaces(), testing::UnorderedElementsAre("empty", "silver", "silver.eu"));
  } else {
    EXPECT_THROW(this->Make({"silver.eu", "c"}), Error);
    EXPECT_THAT(this->catalog().ListNamespaces(), testing::UnorderedElementsAre("empty", "silver"));
  }
  EXPECT_THAT(this->catalog().ListTables("silver"),
              testing::UnorderedElementsAre(TableName{"silver", "a"}, TableName{"silver", "b"}));
  EXPECT_THAT(this->catalog().ListTables("empty"), testing::IsEmpty());
}

TYPED_TEST_P(CatalogContract, DropForgetsTheTableAndKeepsItsFiles) {
  const LoadedTable made = this->Make(this->name_);
  EXPECT_TRUE(this->catalog().Drop(this->name_));
  EXPECT_EQ(this->catalog().Load(this->name_), std::nullopt);
  EXPECT_TRUE(this->catalog().store().Size(*this->catalog().store().KeyOf(made.metadata_location)));
  EXPECT_NE(this->Make(this->name_).metadata->table_uuid, made.metadata->table_uuid);
}

TYPED_TEST_P(CatalogContract, RenameKeepsTheTableAndNeverReplacesAnother) {
  const LoadedTable made = this->Make(this->name_);
  this->catalog().Rename(this->name_, {"gold", "people"});
  EXPECT_EQ(this->catalog().Load(this->name_), std::nullopt);
  EXPECT_EQ(this->catalog().Load({"gold", "people"})->metadata->table_uuid, made.metadata->table_uuid);
  const LoadedTable other = this->Make(this->name_);
  EXPECT_THROW(this->catalog().Rename({"gold", "people"}, this->name_), Error);
  EXPECT_EQ(this->catalog().Load(this->name_)->metadata->table_uuid, other.metadata->table_uuid);
}

/// Each round all threads read, meet, then commit on what they read: one must win and the others learn that they lost.
TYPED_TEST_P(CatalogContract, OfEightWritersOneWinsEachRound) {
  constexpr int kThreads = 8;
  constexpr int kRounds = 5;
  this->Make(this->name_);
  std::vector<std::unique_ptr<Catalog>> handles;  // half share one, half have their own
  for (int i = 0; i < kThreads / 2; ++i) handles.push_back(this->fixture_.Reopen());
  for (int round = 1; round <= kRounds; ++round) {
    const auto base = this->catalog().Load(this->name_);
    std::vector<std::optional<CommitResult>> results(kThreads);
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i) {
      threads.emplace_back([&, i] {
        Catalog& catalog = i % 2 == 0 ? this->catalog() : *handles[static_cast<size_t>(i / 2)];
        table::Snapshot snapshot{.snapshot_id = table::SnapshotId(round * 100 + i + 1),
                                 .parent_snapshot_id = base->metadata->current_snapshot_id,
                                 .sequence_number = table::SequenceNumber(round),
                                 .timestamp_ms = base->metadata->last_updated_ms + 1,
                                 .manifest_list = "none",
                                 .summary = {{"operation", "append"}}};
        const table::SnapshotRef ref{.snapshot_id = snapshot.snapshot_id, .type = "branch"};
        results[static_cast<size_t>(i)] =
            catalog.Commit(this->name_, {table::AssertRefSnapshotId{"main", base->metadata->current_snapshot_id}},
                           {table::AddSnapshot{snapshot}, table::SetSnapshotRef{"main", ref}});
      });
    }
    threads.clear();
    int committed = 0;
    for (int i = 0; i < kThreads; ++i) {
      const auto& result = *results[static_cast<size_t>(i)];
      EXPECT_FALSE(std::holds_alternative<Unknown>(result));
      if (!std::holds_alternative<Committed>(result)) continue;
      ++committed;
      EXPECT_EQ(this->fixture_.Reopen()->Load(this->name_)->metadata->current_snapshot_id,
                table::SnapshotId(round * 100 + i + 1));
    }
    ASSERT_EQ(committed, 1) << "round " << round;
  }
  EXPECT_EQ(this->catalog().Load(this->name_)->metadata->snapshots.size(), static_cast<size_t>(kRounds));
}

REGISTER_TYPED_TEST_SUITE_P(CatalogContract, CreateThenLoad, TablesHaveUuidsOfTheirOwn, WhatExistsIsNotCreatedAgain,
                            ACommitIsSeenByEveryone, ARequirementThatDoesNotHoldIsAConflictThatChangesNothing,
                            AnUnknownTableIsNothing, ListsNamespacesAndTables, DropForgetsTheTableAndKeepsItsFiles,
                            RenameKeepsTheTableAndNeverReplacesAnother, OfEightWritersOneWinsEachRound);

}  // namespace millrace::catalog
