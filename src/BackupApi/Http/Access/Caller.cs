namespace BackupApi.Http.Access;

/// <summary>What is known of who makes a request.</summary>
internal static class Caller
{
    private static readonly object RoleKey = new();

    /// <summary>True for a caller with a key, and for everybody where no key is needed.</summary>
    public static bool IsKnown(HttpContext context) => context.Items.ContainsKey(RoleKey);

    public static void Remember(HttpContext context, Role role) => context.Items[RoleKey] = role;
}
