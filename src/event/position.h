#pragma once

#include <map>
#include <string>

#include "base/strong_id.h"

namespace millrace::event {

/// One independently ordered sequence of records: a partition of a topic incarnation, or one file by fingerprint.
/// Text, stable for ever, unique over every source of a pipeline: "topic:<topic uuid>/<partition>",
/// "file:<fingerprint>".
using SplitId = StrongId<std::string, struct SplitIdTag>;

/// A place between two records of one split. Opaque to everyone but the source that issued it; canonical, so that
/// equality of text is equality of place (the fence of the commit protocol compares nothing else).
using Cursor = StrongId<std::string, struct CursorTag>;

/// Where a consumer stands: for each split the cursor after the last record that is durably landed.
/// A split that is absent has not been started.
using Positions = std::map<SplitId, Cursor>;

/// The cursor of a split before its first record: what "absent" means to the fence.
inline const Cursor kStart{};

/// The cursor of a split, kStart when it is absent.
inline Cursor CursorOf(const Positions& positions, const SplitId& split) {
  const auto found = positions.find(split);
  return found == positions.end() ? kStart : found->second;
}

}  // namespace millrace::event
