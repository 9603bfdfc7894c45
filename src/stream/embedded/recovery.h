#pragma once

#include "stream/embedded/ledger.h"
#include "stream/embedded/segments.h"

namespace millrace::stream {

/// Brings stream.db up to the end of the journal: what it was told unsynced, and the power took, is told again. For a
/// program that opens the stream, before it writes; others may be writing meanwhile. Also removes segments that nothing
/// needs any more. Error kStop when the segments are of another stream, or some are missing.
void Recover(Ledger& ledger, const SegmentFolder& folder);

}  // namespace millrace::stream
