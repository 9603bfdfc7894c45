#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "land/column_file.h"
#include "land/files_chunk.h"
#include "land/files_schemas.h"
#include "land/land_events.h"
#include "land/record_block.h"
#include "land/rejects.h"

namespace millrace::land {

/// What chunks of columns borrow.
struct FilesColumns {
  std::function<std::unique_ptr<event::Decoder>()> decoder;
  FilesSchemas* schemas = nullptr;
  const Rejects* rejects = nullptr;  // may be null
};

/// A chunk as files of columns. Records are decoded in blocks whose ends are a function of the records alone, each by a
/// decoder of its own that begins with one version of the table's columns: so the rows of a block are a function of its
/// records and that version. Where a block brings columns, its files are closed, the columns grow by a version, the
/// block is decoded again, and the plan says from which record on that version holds.
class FilesColumnChunk final : public FilesChunk {
 public:
  /// `planned`: of a chunk that is made again, what its plan says of columns; else null.
  FilesColumnChunk(std::string pipeline, FilesEncoding encoding, event::Cursor begin, const FilesColumns& columns,
                   const std::vector<PlannedColumns>* planned);
  ~FilesColumnChunk() override;

  void Add(const event::EventBatch& events, size_t first, size_t last, const OnAdded& on_added) override;
  void Settle(bool all, const OnAdded& on_added) override;
  bool keeps_rejects() const override { return false; }
  bool all_full() const override;
  int64_t held_bytes() const override;

 private:
  struct OpenObject {
    std::string folder;
    int64_t rows = 0;
    Timestamp first_time{};
    std::unique_ptr<ColumnFile> file;
    std::vector<int64_t> waiting;  // rows of the block that is being routed
    bool closing = false;          // behind those
    std::unique_ptr<OpenDataFile> counted = std::make_unique<OpenDataFile>();
  };
  using OpenObjects = std::map<size_t, OpenObject>;  // by their numbers in the plan: oldest first
  struct DecodedBlock {
    event::Decoded decoded;  // `rows` with all that files hold
    FilesSchemaPtr schema;   // null: there is none yet, and no row
  };

  DecodedBlock Decode(const RecordBlock& block, const event::EventBatch& events);
  DecodedBlock DecodeBy(FilesSchemaPtr schema, const RecordBlock& block, const event::EventBatch& events) const;
  void Use(const FilesSchemaPtr& schema, int64_t from_offset);
  void Process(const RecordBlock& block, const OnAdded& on_added);
  void Route(const event::Decoded& decoded, const RecordBlock& records, const event::EventBatch& events, Added& added);
  OpenObject& ObjectFor(const std::string& folder, const From& from);
  void GiveRow(const std::string& folder, const From& from, int64_t row);
  void Append(const std::shared_ptr<arrow::RecordBatch>& rows);
  OpenObjects::iterator Close(OpenObjects::iterator object);
  void CloseAll() override;

  const FilesColumns columns_;
  const std::vector<PlannedColumns> planned_;
  const bool is_again_;
  FilesSchemaPtr schema_;
  ChosenEncodings chosen_;
  int64_t block_records_;
  std::deque<RecordBlock> blocks_;  // all but the last are full
  OpenObjects open_;
  std::map<std::string, size_t> current_;  // by folder, the object that takes rows
};

}  // namespace millrace::land
