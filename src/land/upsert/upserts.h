#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/byte_budget.h"
#include "catalog/catalog.h"
#include "land/key_hash.h"
#include "table/snapshot_builder.h"

namespace millrace::land {

/// How a commit takes the rows away that it replaces.
enum class UpsertMode {
  kMergeOnRead,      // position deletes beside the data files: quick to write, readers leave the rows out
  kCopyOnWrite,      // data files that hold them are written again without them: quick to read
  kEqualityDeletes,  // the keys of the chunk, for readers to compare: nobody needs to know where the rows lie
};

struct UpsertOptions {
  /// The column that says which of two changes of a key is newer; empty: the one that came later. Not with
  /// kEqualityDeletes, which never looks at the row that is there.
  std::string order_by = {};
  UpsertMode mode = UpsertMode::kMergeOnRead;
};

/// What a table sink knows beyond appending when a table has one row a key: the changes of the chunk, the rows of the
/// table that they replace, and the commit that does both at once.
///
/// Rows are written as they come. At the commit each key of the chunk is looked up in an index of the table's rows
/// (row_index.h), on the base that the commit builds on: what is found is deleted by position, and so are rows of the
/// chunk itself that a later change replaced. When another writer was there first (a compaction that moved the rows,
/// another worker), the index follows and the deletes are made anew, so none is lost and none points at a file that is
/// gone.
///
/// With equality deletes there is no index: a commit names the keys of the chunk, and reaches every older row of them
/// without knowing it. Rows of the chunk itself are deleted by position all the same, for an equality delete never
/// reaches the sequence number that it comes with. What lies on the disk of an index from before is removed.
///
/// Take and Wrote may be called by several threads; everything else by the sink's, while no lane works.
class Upserts {
 public:
  /// `index_folder`: one a table. The store and the budget outlive it.
  Upserts(UpsertOptions options, std::vector<std::string> key, std::filesystem::path index_folder,
          io::ObjectStore& store, ByteBudget& budget);
  ~Upserts();
  Upserts(const Upserts&) = delete;
  Upserts& operator=(const Upserts&) = delete;

  const UpsertOptions& options() const;

  /// Brings the index to the table. Error kConfig when a column of the key or the order cannot be one.
  void CatchUp(const table::TableMetadata& metadata);

  /// Keys of some rows or deletes of one batch; a row without a key is passed over.
  struct Keyed {
    std::shared_ptr<arrow::RecordBatch> batch;  // null when there are none
    std::vector<std::optional<KeyHash>> keys;
    std::vector<int64_t> orders;    // empty: none has one
    std::vector<uint32_t> records;  // the record of each, rising
  };
  struct Taken {
    static constexpr uint32_t kNotWritten = UINT32_MAX;
    std::vector<uint32_t> numbers;  // one a row: the number it is written under, or kNotWritten
    uint64_t superseded = 0;        // rows that a newer change, known already, makes void
  };
  /// Adds a batch, in the order of batches: the last change of a key stands, or the newest by the order column.
  Taken Take(const Keyed& rows, const Keyed& deletes);

  /// A data file was closed; the numbers of its rows in their order.
  void Wrote(const table::DataFile& file, std::vector<uint32_t> numbers);

  /// The chunk has as many changes as memory should hold: commit.
  bool due() const;

  /// What the chunk does to the table on this base; made anew only when the base is another than the last time.
  std::shared_ptr<const table::SnapshotChange> ChangeOn(const table::TableMetadata& base, std::stop_token stop);

  /// The chunk landed. Forgets it.
  void Landed(const table::TableMetadata& metadata, table::SnapshotId snapshot_id);
  /// The chunk did not land: files of it that no request named are deleted.
  void Forget();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace millrace::land
