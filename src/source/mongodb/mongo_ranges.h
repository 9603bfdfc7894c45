#pragma once

#include <vector>

#include "event/position.h"
#include "source/mongodb/mongo_conditions.h"
#include "source/mongodb/mongo_source_options.h"

namespace millrace::source {

/// How a first read is divided, by values of the member that documents are read in the order of: the first range lies
/// before bounds[0], range i from bounds[i - 1] on and before bounds[i]. What lies from the last bound on comes after
/// all of them: whatever changes meanwhile has a greater cursor and goes there, so that no older state of a document
/// comes behind a newer one.
struct MongoRanges {
  int64_t round = 1;                  // tells the splits of this division from those of another
  std::vector<BsonValueText> bounds;  // empty: not divided
};

/// Bounds from a sample of the collection, each greater than the one before. Fewer than asked for where values are
/// equal, none where there are too few of them, or where the collection has types that the server cannot compare. Error
/// as by io::ThrowMongo.
std::vector<BsonValueText> SampleBounds(io::MongoClients& clients, const MongoSourceOptions& options);

/// Members "round" and "ranges" of a position; nothing when it is not divided.
void AppendRanges(bson_t* position, const MongoRanges& ranges);
MongoRanges RangesIn(const event::Cursor& position);

/// The split of range `i`, 1 or more; the first is read by the source's own split.
event::SplitId RangeSplit(const event::SplitId& source, int64_t round, size_t i);

/// A round that no split of the source in `positions` is of.
int64_t FreshRound(const event::Positions& positions, const event::SplitId& source);

}  // namespace millrace::source
