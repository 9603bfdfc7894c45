#pragma once

#include "app/session.h"

/// Every verb of the command line, each in the .cc of its name. The list in cli.cc gives their order in the help.
namespace millrace::app {

void AddInit(CLI::App& root, Session& session);
void AddRun(CLI::App& root, Session& session);
void AddCheck(CLI::App& root, Session& session);
void AddDoctor(CLI::App& root, Session& session);
void AddStatus(CLI::App& root, Session& session);
void AddTop(CLI::App& root, Session& session);
void AddGenerate(CLI::App& root, Session& session);
void AddProduce(CLI::App& root, Session& session);
void AddConvert(CLI::App& root, Session& session);
void AddTopics(CLI::App& root, Session& session);
void AddTables(CLI::App& root, Session& session);
void AddModels(CLI::App& root, Session& session);
void AddQuery(CLI::App& root, Session& session);
void AddExport(CLI::App& root, Session& session);
void AddExportSql(CLI::App& root, Session& session);
void AddReport(CLI::App& root, Session& session);
void AddRefine(CLI::App& root, Session& session);
void AddTest(CLI::App& root, Session& session);
void AddMaintain(CLI::App& root, Session& session);
void AddConnectors(CLI::App& root, Session& session);
void AddOffsets(CLI::App& root, Session& session);
void AddQuarantine(CLI::App& root, Session& session);
void AddToken(CLI::App& root, Session& session);
void AddDocs(CLI::App& root, Session& session);
void AddCompletions(CLI::App& root, Session& session);
void AddVersion(CLI::App& root, Session& session);

/// Below `offsets` and `quarantine`, in the .cc of both names.
void AddOffsetsReplay(CLI::App& offsets, Session& session);
void AddQuarantineReplay(CLI::App& quarantine, Session& session);

}  // namespace millrace::app
