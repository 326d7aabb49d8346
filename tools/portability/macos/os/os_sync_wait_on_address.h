// The functions of macOS 14.4 that the engine uses to wait on a word; see os_sync_wait_on_address(3).
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

typedef std::uint32_t os_sync_wait_on_address_flags_t;
typedef std::uint32_t os_sync_wake_by_address_flags_t;
typedef std::uint32_t os_clockid_t;
constexpr os_sync_wait_on_address_flags_t OS_SYNC_WAIT_ON_ADDRESS_NONE = 0;
constexpr os_sync_wake_by_address_flags_t OS_SYNC_WAKE_BY_ADDRESS_NONE = 0;
constexpr os_clockid_t OS_CLOCK_MACH_ABSOLUTE_TIME = 32;

int os_sync_wait_on_address(void* address, std::uint64_t value, std::size_t size, os_sync_wait_on_address_flags_t flags);
int os_sync_wait_on_address_with_timeout(void* address, std::uint64_t value, std::size_t size,
                                         os_sync_wait_on_address_flags_t flags, os_clockid_t clock,
                                         std::uint64_t timeout_ns);
int os_sync_wake_by_address_any(void* address, std::size_t size, os_sync_wake_by_address_flags_t flags);
int os_sync_wake_by_address_all(void* address, std::size_t size, os_sync_wake_by_address_flags_t flags);
}
