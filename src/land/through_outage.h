#pragma once

#include <functional>
#include <stop_token>

#include "base/clock.h"
#include "catalog/catalog.h"
#include "event/waiting.h"
#include "io/outage_patience.h"
#include "land/schema_authority.h"

namespace millrace::land {

/// What `look` gives, asked again for as long as the catalogue does not answer (Error kUnavailable): an outage ends no
/// run. Says so on `board` meanwhile, and puts back what was there. Throws the error once stopped.
TableViewPtr ThroughOutage(const catalog::TableName& table, const std::function<TableViewPtr()>& look,
                           const Clock& clock, event::WaitBoard& board, const std::stop_token& stop);

/// While it lives, what its thread asks of the object store, or of a schema
/// registry, waits through an outage, until `stop`, and `board` says so.
class StoreOutage {
 public:
  StoreOutage(event::WaitBoard& board, const Clock& clock, std::stop_token stop);

 private:
  event::WaitBoard& board_;
  event::Wait before_;
  const io::OutagePatience patience_;
};

}  // namespace millrace::land
