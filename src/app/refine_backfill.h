#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/session.h"
#include "refine/model.h"

namespace millrace::app {

/// What the command line says of a backfill.
struct BackfillArguments {
  std::vector<std::string> models;  // as given: it is one
  std::string from;
  std::string to;
  std::string window = "1d";
  std::string name;    // empty: a word made from the others
  std::string engine;  // empty: as the models say
  bool dry_run = false;
  bool stage = false;
  bool abandon = false;
};

/// What `engine` says; nullopt: nothing.
std::optional<refine::ModelEngine> EngineOf(const BackfillArguments& arguments);

/// `millrace refine MODEL --from T --to T`: beside a pipeline that runs, as `offsets replay`.
ExitCode RefineBackfill(const Session& session, const BackfillArguments& arguments);

}  // namespace millrace::app
