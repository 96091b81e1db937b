namespace BackupApi.Http.Access;

/// <summary>What a caller may do; each holds what those before it hold.</summary>
internal enum Role
{
    /// <summary>Look at everything but settings, bytes of backups included.</summary>
    Read,

    /// <summary>Take, prove and pin backups.</summary>
    Operate,

    /// <summary>Restore and remove backups; see the settings.</summary>
    Admin,
}

/// <summary>The class of a call: the least role that may make it; null for everybody, who may then be told less.</summary>
internal sealed record Needed(Role? Role);

internal static class NeededExtensions
{
    /// <summary>Every call says so of itself, or says <see cref="IsOpen{T}"/>; one that says neither needs <see cref="Role.Admin"/>.</summary>
    public static T Needs<T>(this T call, Role role)
        where T : IEndpointConventionBuilder => call.WithMetadata(new Needed(role));

    /// <summary>Anybody may call; handlers ask <see cref="Caller.IsKnown"/> before they tell more than a status.</summary>
    public static T IsOpen<T>(this T call)
        where T : IEndpointConventionBuilder => call.WithMetadata(new Needed((Role?)null));
}
