#pragma once

#include <string>
#include <vector>

#include "app/session.h"

namespace millrace::app {

/// What the command line says of a backfill.
struct BackfillArguments {
  std::vector<std::string> models;  // as given: it is one
  std::string from;
  std::string to;
  std::string window = "1d";
  std::string name;  // empty: a word made from the others
  bool dry_run = false;
  bool stage = false;
  bool abandon = false;
};

/// `millrace refine MODEL --from T --to T`: beside a pipeline that runs, as `offsets replay`.
ExitCode RefineBackfill(const Session& session, const BackfillArguments& arguments);

}  // namespace millrace::app
