using System.Net;
using System.Net.Sockets;

namespace BackupApi.Http.Access;

/// <summary>Counts the wrong keys of each address: who tried too many different ones is not listened to until a minute has passed, whatever key he sends.</summary>
/// <remarks>
/// The same wrong key again is no guess: a forgotten monitor with an old key must not lock out everybody behind the same gateway.
/// An IPv6 address counts by its first 64 bits, because one machine owns all that follow.
/// </remarks>
internal sealed class WrongKeys(TimeProvider time)
{
    /// <summary>Different wrong keys from one address in <see cref="Window"/>.</summary>
    public const int Most = 10;

    /// <summary>Addresses remembered at the same time; what comes after shares one count.</summary>
    private const int MostAddresses = 10_000;

    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private static readonly IPAddress Others = IPAddress.None;

    private readonly Lock gate = new();
    private readonly Dictionary<IPAddress, (long Since, HashSet<string> Tried)> tries = [];

    /// <summary>Time until the address is listened to again; null when it is now.</summary>
    public TimeSpan? Wait(IPAddress? address)
    {
        lock (gate)
        {
            return Find(address) is { } entry && entry.Tried.Count >= Most ? Window - time.GetElapsedTime(entry.Since) : null;
        }
    }

    /// <returns>How many different ones that makes; 0 when it was tried before.</returns>
    public int Add(IPAddress? address, ReadOnlySpan<byte> hash)
    {
        lock (gate)
        {
            if (Find(address) is not { } entry)
            {
                Forget();
                entry = (time.GetTimestamp(), new HashSet<string>(StringComparer.Ordinal));
                tries[KeyOf(address)] = entry;
            }

            return entry.Tried.Add(Convert.ToHexString(hash)) ? entry.Tried.Count : 0;
        }
    }

    private (long Since, HashSet<string> Tried)? Find(IPAddress? address) =>
        tries.TryGetValue(KeyOf(address), out var entry) && !HasEnded(entry.Since) ? entry : null;

    private bool HasEnded(long since) => time.GetElapsedTime(since) >= Window;

    /// <summary>Makes room, once it is used up, from the windows that have ended.</summary>
    private void Forget()
    {
        if (tries.Count < MostAddresses)
        {
            return;
        }

        foreach (var (address, entry) in tries)
        {
            if (HasEnded(entry.Since))
            {
                tries.Remove(address);
            }
        }
    }

    private IPAddress KeyOf(IPAddress? address)
    {
        var key = NetworkOf(address ?? IPAddress.Loopback);
        return tries.Count < MostAddresses || tries.ContainsKey(key) ? key : Others;
    }

    private static IPAddress NetworkOf(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return address;
        }

        if (address.IsIPv4MappedToIPv6)
        {
            return address.MapToIPv4();
        }

        var bytes = address.GetAddressBytes();
        bytes.AsSpan(8).Clear();
        return new IPAddress(bytes);
    }
}
