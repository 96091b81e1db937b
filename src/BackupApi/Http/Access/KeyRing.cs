using System.Security.Cryptography;
using System.Text;

namespace BackupApi.Http.Access;

/// <summary>Tells the role of a key. Only hashes are kept, and every one of them is compared, each in constant time, so that the time taken says nothing of a key.</summary>
internal sealed class KeyRing(AccessRules rules)
{
    private readonly (byte[] Hash, Role Role)[] keys = [.. rules.Keys.Select(pair => (HashOf(pair.Key), pair.Role))];

    public bool IsEmpty => keys.Length == 0;

    public static byte[] HashOf(string key) => SHA256.HashData(Encoding.UTF8.GetBytes(key));

    public Role? Find(ReadOnlySpan<byte> hash)
    {
        Role? found = null;
        foreach (var (known, role) in keys)
        {
            if (CryptographicOperations.FixedTimeEquals(known, hash))
            {
                found = role;
            }
        }

        return found;
    }
}
