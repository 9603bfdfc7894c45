#include "land/column_chunks.h"

#include <parquet/exception.h>
#include <parquet/schema.h>
#include <parquet/size_statistics.h>
#include <parquet/types.h>

#include <algorithm>
#include <map>
#include <utility>

namespace millrace::land {
namespace {

constexpr int64_t kBatchLevels = 32'768;

template <typename DType>
struct Typed {
  using Reader = parquet::TypedColumnReader<DType>;
  using Writer = parquet::TypedColumnWriter<DType>;
  using Value = typename DType::c_type;
};

template <typename DType>
void CopyAs(parquet::ColumnReader& from, parquet::ColumnWriter& to) {
  using Of = Typed<DType>;
  auto& reader = dynamic_cast<typename Of::Reader&>(from);
  auto& writer = dynamic_cast<typename Of::Writer&>(to);
  const bool defined = to.descr()->max_definition_level() > 0;
  const bool repeated = to.descr()->max_repetition_level() > 0;
  std::vector<int16_t> definitions(defined ? kBatchLevels : 0);
  std::vector<int16_t> repetitions(repeated ? kBatchLevels : 0);
  const auto values = std::make_unique_for_overwrite<typename Of::Value[]>(kBatchLevels);
  auto* const definition = defined ? definitions.data() : nullptr;
  auto* const repetition = repeated ? repetitions.data() : nullptr;
  while (reader.HasNext()) {
    int64_t count = 0;
    // Never more than a page has: texts point into it.
    const int64_t levels = reader.ReadBatch(kBatchLevels, definition, repetition, values.get(), &count);
    writer.WriteBatch(levels, definition, repetition, values.get());
  }
}

template <typename DType>
parquet::EncodedStatistics MergedAs(const parquet::ColumnDescriptor& column, const ColumnChunks& chunks) {
  auto all = parquet::MakeStatistics<DType>(&column);
  bool bounded = true;
  for (const auto& chunk : chunks) {
    const auto statistics = std::static_pointer_cast<parquet::TypedStatistics<DType>>(chunk->statistics());
    if (!statistics) return {};
    // Of floating point NaNs have no bounds; of others it is values that are too long.
    bounded = bounded && (statistics->HasMinMax() || statistics->num_values() == 0 || IsFloating(DType::type_num));
    all->Merge(*statistics);
  }
  auto merged = all->Encode();
  if (!bounded) merged.ClearMinMax();
  merged.set_is_signed(column.sort_order() == parquet::SortOrder::SIGNED);
  return merged;
}

/// Calls `visit` with the physical type's description.
template <typename Visit>
auto WithType(parquet::Type::type type, Visit&& visit) {
  switch (type) {
    case parquet::Type::BOOLEAN:
      return visit(parquet::BooleanType());
    case parquet::Type::INT32:
      return visit(parquet::Int32Type());
    case parquet::Type::INT64:
      return visit(parquet::Int64Type());
    case parquet::Type::FLOAT:
      return visit(parquet::FloatType());
    case parquet::Type::DOUBLE:
      return visit(parquet::DoubleType());
    case parquet::Type::BYTE_ARRAY:
      return visit(parquet::ByteArrayType());
    case parquet::Type::FIXED_LEN_BYTE_ARRAY:
      return visit(parquet::FLBAType());
    case parquet::Type::INT96:
    case parquet::Type::UNDEFINED:
      break;
  }
  throw parquet::ParquetException("a column's type is none of those that are written here");
}

/// Of the pages with values; nullopt when there is more than one.
std::optional<parquet::Encoding::type> EncodingOf(const parquet::ColumnChunkMetaData& chunk) {
  std::optional<parquet::Encoding::type> encoding;
  for (const auto& pages : chunk.encoding_stats()) {
    if (pages.page_type == parquet::PageType::DICTIONARY_PAGE) continue;
    if (encoding && *encoding != pages.encoding) return std::nullopt;
    encoding = pages.encoding;
  }
  return encoding;
}

/// The files' writer makes no other kind.
bool HasFirstKindOfPages(const parquet::ColumnChunkMetaData& chunk) {
  const auto& pages = chunk.encoding_stats();
  return !pages.empty() && std::ranges::all_of(pages, [](const parquet::PageEncodingStats& stats) {
    return stats.page_type == parquet::PageType::DATA_PAGE;
  });
}

}  // namespace

void CopyValues(parquet::ColumnReader& from, parquet::ColumnWriter& to) {
  WithType(to.type(), [&](auto type) { CopyAs<decltype(type)>(from, to); });
}

parquet::EncodedStatistics MergedStatistics(const parquet::ColumnDescriptor& column, const ColumnChunks& chunks) {
  return WithType(column.physical_type(), [&](auto type) { return MergedAs<decltype(type)>(column, chunks); });
}

std::optional<parquet::SizeStatistics> MergedSizes(const ColumnChunks& chunks) {
  std::optional<parquet::SizeStatistics> all;
  for (const auto& chunk : chunks) {
    const auto sizes = chunk->size_statistics();
    if (!sizes) return std::nullopt;
    if (all) {
      all->Merge(*sizes);
    } else {
      all = *sizes;
    }
  }
  return all;
}

ColumnWay WayOf(const ColumnChunks& chunks) {
  ColumnWay way{.as_is = true};
  std::map<std::pair<bool, parquet::Encoding::type>, int64_t> values;
  std::map<parquet::Compression::type, int64_t> codecs;
  for (const auto& chunk : chunks) {
    const auto encoding = EncodingOf(*chunk);
    const bool dictionary = chunk->has_dictionary_page();
    way.as_is = way.as_is && !dictionary && HasFirstKindOfPages(*chunk);
    values[{dictionary, encoding && !dictionary ? *encoding : parquet::Encoding::PLAIN}] += chunk->num_values();
    codecs[chunk->compression()] += chunk->num_values();
  }
  const auto by_count = [](const auto& entry) { return entry.second; };
  const auto most = std::ranges::max_element(values, {}, by_count);
  std::tie(way.dictionary, way.encoding) = most->first;
  way.as_is = way.as_is && codecs.size() == 1;
  way.codec = std::ranges::max_element(codecs, {}, by_count)->first;
  return way;
}

}  // namespace millrace::land
