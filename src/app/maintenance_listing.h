#pragma once

#include "app/text_table.h"
#include "refine/maintenance/maintainer.h"

namespace millrace::app {

/// What maintenance did, a table a row.
class MaintenanceListing {
 public:
  MaintenanceListing();
  void Add(const refine::MaintenanceReport& report);
  const Listing& listing() const { return listing_; }

 private:
  Listing listing_;
};

}  // namespace millrace::app
