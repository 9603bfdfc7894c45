#pragma once

#include <parquet/column_reader.h>
#include <parquet/column_writer.h>
#include <parquet/metadata.h>
#include <parquet/statistics.h>

#include <memory>
#include <optional>

#include <vector>

namespace millrace::land {

using ColumnChunks = std::vector<std::unique_ptr<parquet::ColumnChunkMetaData>>;

inline bool IsFloating(parquet::Type::type type) {
  return type == parquet::Type::FLOAT || type == parquet::Type::DOUBLE;
}

/// Copies a column chunk's levels and values, in their encoded shape: lists and structs are not put together. Parquet's
/// exceptions pass through.
void CopyValues(parquet::ColumnReader& from, parquet::ColumnWriter& to);

/// The statistics of all rows of `chunks`, which are of one column; without bounds when a chunk with values has none.
parquet::EncodedStatistics MergedStatistics(const parquet::ColumnDescriptor& column, const ColumnChunks& chunks);

/// nullopt when a chunk has none.
std::optional<parquet::SizeStatistics> MergedSizes(const ColumnChunks& chunks);

/// How a column of several files is written to one.
struct ColumnWay {
  bool as_is = false;  // every chunk's pages stand as they are, one after the other
  parquet::Compression::type codec = parquet::Compression::ZSTD;
  bool dictionary = false;
  parquet::Encoding::type encoding = parquet::Encoding::PLAIN;  // of what is no dictionary
};

/// Pages go as they are when none needs a dictionary and one codec has made them; otherwise the column is written anew
/// as most of it was.
ColumnWay WayOf(const ColumnChunks& chunks);

}  // namespace millrace::land
