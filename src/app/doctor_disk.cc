#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "app/data_directory.h"
#include "app/doctor_checks.h"
#include "app/scratch.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "io/file_descriptor.h"
#include "io/s3_options.h"
#include "io/sqlite.h"

namespace millrace::app {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kRoomLeast = uint64_t{256} << 20;
constexpr uint64_t kRoomGood = uint64_t{2} << 30;
constexpr double kSyncSlowSeconds = 0.25;
constexpr int kSyncs = 5;

enum class Nature { kDisk, kMemory, kLayer, kNetwork };
struct FileSystemKind {
  decltype(std::declval<struct statfs>().f_type) number;  // statfs(2)
  std::string_view name;
  Nature nature;
};
constexpr std::array<FileSystemKind, 12> kKinds = {{{0xEF53, "ext4", Nature::kDisk},
                                                    {0x58465342, "xfs", Nature::kDisk},
                                                    {0x9123683E, "btrfs", Nature::kDisk},
                                                    {0x2FC12FC1, "zfs", Nature::kDisk},
                                                    {0xF2F52010, "f2fs", Nature::kDisk},
                                                    {0x01021994, "tmpfs", Nature::kMemory},
                                                    {0x858458F6, "ramfs", Nature::kMemory},
                                                    {0x794C7630, "overlay", Nature::kLayer},
                                                    {0x6969, "nfs", Nature::kNetwork},
                                                    {0xFF534D42, "cifs", Nature::kNetwork},
                                                    {0xFE534D42, "smb2", Nature::kNetwork},
                                                    {0x65735546, "fuse", Nature::kNetwork}}};

const FileSystemKind* KindOf(const fs::path& folder) {
  struct statfs facts {};
  if (statfs(folder.c_str(), &facts) != 0) return nullptr;
  const auto* kind = std::ranges::find(kKinds, facts.f_type, &FileSystemKind::number);
  return kind == kKinds.end() ? nullptr : kind;
}

void LookAtKind(const fs::path& folder, Findings& findings) {
  const auto* kind = KindOf(folder);
  if (kind == nullptr)
    return findings.Ok(fmt::format("{} is on a file system of a kind not known here", folder.string()));
  const auto says = fmt::format("{} is on {}", folder.string(), kind->name);
  switch (kind->nature) {
    case Nature::kDisk:
      return findings.Ok(says);
    case Nature::kMemory:
      return findings.Warn(says + ", which is memory: all of it is gone after a restart", "put it on a disk");
    case Nature::kLayer:
      return findings.Warn(says + ", a container's own layer: all of it is gone with the container",
                           "mount a volume there");
    case Nature::kNetwork:
      return findings.Warn(says + ", over a network: locks and fsync of SQLite are not to be relied upon there",
                           "let data_dir be on a local disk; the warehouse may be in a bucket");
  }
}

/// False when nothing more can be tried there.
bool LookAtRoom(const fs::path& folder, Findings& findings) {
  struct statvfs facts {};
  if (statvfs(folder.c_str(), &facts) != 0) return true;
  const auto room = uint64_t{facts.f_bavail} * facts.f_frsize;
  const auto says = fmt::format("{} has {} free", folder.string(), FormatByteSize(room));
  if (room == 0) {
    findings.Fail(fmt::format("the disk that holds {} is full", folder.string()), "free some space");
    return false;
  }
  if (facts.f_files > 0 && facts.f_favail == 0) {
    findings.Fail(fmt::format("the disk that holds {} has no inode left", folder.string()), "remove files there");
    return false;
  }
  if (room < kRoomLeast) {
    findings.Fail(says + ", too little to land anything", "free some space, or choose another disk");
  } else if (room < kRoomGood) {
    findings.Warn(says, "free some space: `retention` of topics, `maintenance.snapshots_age` and spilling need it");
  } else {
    findings.Ok(says);
  }
  return true;
}

double SecondsOf(SteadyTime begun) { return std::chrono::duration<double>(Clock::System().Steady() - begun).count(); }

void TrySync(const ScratchFolder& scratch, Findings& findings) {
  const auto path = scratch.path() / "synced";
  const auto file = io::FileDescriptor::Open(path, O_CREAT | O_WRONLY, 0600);
  const std::string page(4096, 'x');
  const auto begun = Clock::System().Steady();
  for (int i = 0; i < kSyncs; ++i) {
    io::WriteAll(file, page, path);
    io::Sync(file, path);
  }
  io::SyncDirectory(scratch.path());
  const double seconds = SecondsOf(begun) / (kSyncs + 1);
  const auto says = fmt::format("fsync works and takes {:.1f} ms", seconds * 1000);
  if (seconds < kSyncSlowSeconds) return findings.Ok(says);
  findings.Warn(says + ", which every append and commit waits for", "use a faster disk for data_dir");
}

/// What the stream, the catalogue and the state are kept in: its write-ahead log needs shared memory and locks.
void TrySqlite(const ScratchFolder& scratch, Findings& findings) {
  io::Connection database(scratch.path() / "scratch.db", "");
  database.Execute("CREATE TABLE t(n INTEGER)");
  {
    io::Transaction transaction(database, io::Transaction::Kind::kWrite);
    database.Execute("INSERT INTO t VALUES (7)");
    transaction.Commit();
  }
  io::Connection other(scratch.path() / "scratch.db", "");
  if (other.QueryInt("SELECT n FROM t") != 7) {
    return findings.Fail("SQLite does not see on one connection what another has committed",
                         "let data_dir be on a local disk");
  }
  findings.Ok("SQLite keeps its write-ahead log there");
}

void LookAtFolder(const fs::path& path, bool is_data_dir, Findings& findings) {
  const auto folder = NearestFolder(path);
  LookAtKind(folder, findings);
  if (!LookAtRoom(folder, findings)) return;
  const ScratchFolder scratch(folder);
  TrySync(scratch, findings);
  if (is_data_dir) TrySqlite(scratch, findings);
}

void LookAtDataDirectory(const PipelineConfig& pipeline, Findings& findings) {
  const fs::path path = pipeline.data_dir.value;
  DataDirectory::RequireUsable(path);
  if (const auto pid = DataDirectory::HolderOf(path)) {
    findings.Ok(fmt::format("this pipeline is running already, as process {}; it was left alone", *pid));
  }
  LookAtFolder(path, true, findings);
}

dev_t DeviceOf(const fs::path& folder) {
  struct stat facts {};
  return stat(folder.c_str(), &facts) == 0 ? facts.st_dev : 0;
}

/// Folders of files beside the data directory, on disks of their own perhaps.
std::set<std::string> OtherFolders(const PipelineConfig& pipeline) {
  std::set<std::string> folders;
  if (!io::ParseS3Uri(pipeline.warehouse())) folders.insert(pipeline.warehouse());
  for (const auto& [name, table] : pipeline.tables) {
    if (!table.files || !table.files->location || io::ParseS3Uri(table.files->location->value)) continue;
    folders.insert(table.files->location->value);
  }
  return folders;
}

}  // namespace

std::vector<DoctorCheck> DiskChecks(const PipelineConfig& pipeline) {
  std::vector<DoctorCheck> checks = {
      {"disk", [&pipeline](Findings& findings, const std::stop_token&) { LookAtDataDirectory(pipeline, findings); }}};
  std::set<dev_t> seen = {DeviceOf(NearestFolder(pipeline.data_dir.value))};
  for (const auto& folder : OtherFolders(pipeline)) {
    if (!seen.insert(DeviceOf(NearestFolder(folder))).second) continue;
    checks.push_back(
        {"disk", [folder](Findings& findings, const std::stop_token&) { LookAtFolder(folder, false, findings); }});
  }
  return checks;
}

}  // namespace millrace::app
