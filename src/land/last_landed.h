#pragma once

#include <optional>

#include "land/committer.h"

namespace millrace::land {

/// The newest commit that a Committer of this thread made, until it is taken: for whoever tells others what landed,
/// and has only a Sink.
void NoteLanded(const Landed& landed);
/// Until somebody wants it nothing is kept: it holds a table's metadata.
void WantLastLanded(bool wanted);
std::optional<Landed> TakeLastLanded();

}  // namespace millrace::land
