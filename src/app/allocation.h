#pragma once

namespace millrace::app {

/// Makes the process hold what it uses, and little of what it has freed: Arrow allocates from the C library, like
/// everyone else, and the C library keeps as many arenas as there are cores instead of eight times as many. Call first,
/// from the only thread. A user's own ARROW_DEFAULT_MEMORY_POOL, MALLOC_ARENA_MAX and MALLOC_MMAP_THRESHOLD_ are left
/// alone.
void ChooseAllocators();

/// Freed pages go back to the system. Takes milliseconds: for when a phase of work has ended.
void ReturnFreedMemory();

}  // namespace millrace::app
